//! One pass over a template's characters: its tags, what contains what, and every limit on size and depth. It runs
//! before the engine sees anything and holds its own stack on the heap, so nothing in a template can make it deep.

use super::tag::{self, Call, Tag, Word};
use super::{Fault, MAX_DEPTH, MAX_LOOPS, MAX_SOURCE, MAX_TAGS};

/// A tag and what is around it.
#[derive(Debug)]
pub(crate) struct Placed {
    pub tag: Tag,
    /// How many `{{#each}}` are around it.
    pub loops: usize,
}

/// A template that was scanned.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub tags: Vec<Placed>,
    /// Characters of text outside of tags in the longest way through the template.
    pub longest_text: usize,
}

/// A run of backslashes longer than this is refused: the engine's reader looks at each from each before it.
const MAX_BACKSLASHES: usize = 16;

pub(crate) fn scan(text: &str) -> Result<Scanned, Fault> {
    if text.len() > MAX_SOURCE {
        let message = format!("the text has {} bytes; {MAX_SOURCE} are allowed: make two of it", text.len());
        return Err(Fault::new(0, message));
    }
    let mut nesting = Nesting::default();
    let mut tags = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find("{{") {
        let start = at + found;
        check_raw(text, at, start)?;
        nesting.text(&text[at..start]);
        if tags.len() == MAX_TAGS {
            return Err(Fault::new(start, format!("this is tag number {}; {MAX_TAGS} are allowed", MAX_TAGS + 1)));
        }
        let (tag, end, parentheses) = tag::read(text, start)?;
        let loops = nesting.enter(&tag, start, parentheses)?;
        tags.push(Placed { tag, loops });
        at = end;
    }
    check_raw(text, at, text.len())?;
    nesting.text(&text[at..]);
    let longest_text = nesting.finish()?;
    Ok(Scanned { tags, longest_text })
}

fn check_raw(text: &str, from: usize, to: usize) -> Result<(), Fault> {
    let raw = &text[from..to];
    if let Some(found) = raw.find(&"\\".repeat(MAX_BACKSLASHES)) {
        return Err(Fault::new(from + found, format!("{MAX_BACKSLASHES} backslashes in a row are not allowed")));
    }
    if to < text.len() && raw.ends_with('\\') {
        return Err(Fault::new(to - 1, "a backslash before `{{` is not allowed: put a space between them"));
    }
    if let Some((found, _)) = raw.char_indices().find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Fault::new(from + found, "a control character is not allowed: take it out"));
    }
    Ok(())
}

/// The blocks that are open.
#[derive(Default)]
struct Nesting {
    open: Vec<Block>,
    /// Text of the outermost level.
    text: usize,
}

struct Block {
    name: Word,
    at: usize,
    /// `{{else if}}` links so far: the engine nests each in the one before.
    links: usize,
    /// Whether a plain `{{else}}` has come.
    otherwise: bool,
    /// Text of the branch that is being read, and of the longest branch before it.
    text: usize,
    longest: usize,
}

impl Nesting {
    fn text(&mut self, raw: &str) {
        *self.open.last_mut().map_or(&mut self.text, |block| &mut block.text) += raw.chars().count();
    }

    /// Follows the nesting; gives the number of loops around the tag.
    fn enter(&mut self, tag: &Tag, at: usize, parentheses: usize) -> Result<usize, Fault> {
        let loops = self.loops();
        match tag {
            Tag::Value(_) | Tag::Include(_) | Tag::Comment => self.check_depth(at, parentheses)?,
            Tag::Open(call) => {
                self.open(call, at);
                self.check_depth(at, parentheses)?;
                if self.loops() > MAX_LOOPS {
                    let message = "an `{{#each}}` inside an `{{#each}}` inside an `{{#each}}` is not allowed";
                    return Err(Fault::new(at, message));
                }
            }
            Tag::Else(link) => {
                self.otherwise(link.as_ref(), at)?;
                self.check_depth(at, parentheses)?;
            }
            Tag::Close(name) => self.close(name, at)?,
        }
        Ok(loops)
    }

    fn open(&mut self, call: &Call, at: usize) {
        let name = call.name.clone();
        self.open.push(Block { name, at, links: 0, otherwise: false, text: 0, longest: 0 });
    }

    fn otherwise(&mut self, link: Option<&Call>, at: usize) -> Result<(), Fault> {
        let Some(block) = self.open.last_mut() else {
            return Err(Fault::new(at, "`{{else}}` stands outside of any block"));
        };
        if block.otherwise {
            return Err(Fault::new(
                at,
                format!("the block `{{{{#{}}}}}` already has its `{{{{else}}}}`", block.name.text),
            ));
        }
        match link {
            None => block.otherwise = true,
            Some(_) if block.name.text == "each" => {
                return Err(Fault::new(at, "inside `{{#each}}` only a plain `{{else}}` is allowed"));
            }
            Some(_) => block.links += 1,
        }
        block.longest = block.longest.max(block.text);
        block.text = 0;
        Ok(())
    }

    fn close(&mut self, name: &Word, at: usize) -> Result<(), Fault> {
        let Some(block) = self.open.pop() else {
            return Err(Fault::new(at, format!("`{{{{/{}}}}}` closes a block that was never opened", name.text)));
        };
        if block.name.text != name.text {
            let message = format!(
                "`{{{{/{}}}}}` stands where the block `{{{{#{}}}}}` is open: add `{{{{/{}}}}}` before it",
                name.text, block.name.text, block.name.text
            );
            return Err(Fault::new(at, message));
        }
        *self.open.last_mut().map_or(&mut self.text, |outer| &mut outer.text) += block.longest.max(block.text);
        Ok(())
    }

    fn check_depth(&self, at: usize, parentheses: usize) -> Result<(), Fault> {
        let blocks: usize = self.open.iter().map(|block| 1 + block.links).sum();
        if blocks + parentheses > MAX_DEPTH {
            let message = format!("blocks, `{{{{else if}}}}` and parentheses are nested more than {MAX_DEPTH} deep");
            return Err(Fault::new(at, message));
        }
        Ok(())
    }

    fn loops(&self) -> usize {
        self.open.iter().filter(|block| block.name.text == "each").count()
    }

    fn finish(self) -> Result<usize, Fault> {
        match self.open.last() {
            None => Ok(self.text),
            Some(block) => {
                let name = &block.name.text;
                let message =
                    format!("the block `{{{{#{name}}}}}` is never closed: add `{{{{/{name}}}}}` where it ends");
                Err(Fault::new(block.at, message))
            }
        }
    }
}
