//! Chance that can be repeated: a seed that is printed, or given.

/// Random numbers (`SplitMix64`); the same seed gives the same numbers.
#[derive(Debug, Clone)]
pub(super) struct Dice(u64);

impl Dice {
    /// Seeded by `RELEVO_TEST_SEED`, else by the operating system. The seed is printed, and shown when a test fails.
    pub(super) fn new() -> Self {
        let given = std::env::var("RELEVO_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| getrandom::u64().expect("the operating system gives random numbers"));
        eprintln!("RELEVO_TEST_SEED={seed}");
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// True once in `n` times.
    pub(super) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of `items`.
    pub(super) fn pick<T: Clone>(&mut self, items: &[T]) -> T {
        let at = usize::try_from(self.below(items.len() as u64)).expect("an index");
        items[at].clone()
    }

    /// Each of `items` once in three times.
    pub(super) fn some<T: Clone, C: FromIterator<T>>(&mut self, items: &[T]) -> C {
        items.iter().filter(|_| self.once_in(3)).cloned().collect()
    }
}
