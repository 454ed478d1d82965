//! Where a render writes to: a text that refuses to grow past its limit.

use handlebars::Output;
use std::io;

pub(crate) struct Limited {
    pub text: String,
    pub full: bool,
    limit: usize,
}

impl Limited {
    pub fn new(limit: usize) -> Self {
        Self { text: String::new(), full: false, limit }
    }
}

impl Output for Limited {
    fn write(&mut self, piece: &str) -> Result<(), io::Error> {
        if self.text.len() + piece.len() > self.limit {
            self.full = true;
            return Err(io::Error::other("the text is too long"));
        }
        self.text.push_str(piece);
        Ok(())
    }
}
