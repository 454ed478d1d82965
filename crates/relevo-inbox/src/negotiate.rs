//! Which of the ready-made encodings a client takes.

/// An encoding that the pages' build writes beside each file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Brotli,
    Gzip,
}

impl Encoding {
    /// As HTTP spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
        }
    }

    /// The end of the sibling's name.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::Brotli => ".br",
            Self::Gzip => ".gz",
        }
    }
}

/// The accepted encodings, smallest result first. Weights other than "not at all" are ignored: both are ready, and the
/// smaller one is better for everybody.
pub(crate) fn accepted(header: &str) -> impl Iterator<Item = Encoding> {
    let takes = |wanted: &str| {
        header.split(',').any(|offer| {
            let mut parts = offer.split(';').map(str::trim);
            parts.next().is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                && !parts.any(|weight| weight.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0)))
        })
    };
    [Encoding::Brotli, Encoding::Gzip].map(|encoding| takes(encoding.name()).then_some(encoding)).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brotli_goes_first_and_a_zero_weight_is_a_refusal() {
        let of = |header| accepted(header).collect::<Vec<_>>();
        assert_eq!(of("gzip, deflate, br"), [Encoding::Brotli, Encoding::Gzip]);
        assert_eq!(of("br;q=0, GZIP;q=0.5"), [Encoding::Gzip]);
        assert_eq!(of("br; q=0.0"), []);
        assert_eq!(of("identity"), []);
        assert_eq!(of(""), []);
    }
}
