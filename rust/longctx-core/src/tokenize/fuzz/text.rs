//! Texts that a tokenizer may trip over, from a seed.

/// Source code to mutate.
const SOURCES: [&str; 4] = [
    include_str!("../mod.rs"),
    include_str!("../bpe.rs"),
    include_str!("../pretokenize/block.rs"),
    include_str!("../tests.rs"),
];

/// Where characters are taken from: every kind of letter, mark, number, white space and symbol.
const RANGES: [(u32, u32); 34] = [
    (0x00, 0x1F),
    (0x7F, 0xA0),
    (0xA1, 0xFF),
    (0x100, 0x24F),
    (0x250, 0x2FF),
    (0x300, 0x36F),
    (0x370, 0x3FF),
    (0x400, 0x52F),
    (0x590, 0x6FF),
    (0x700, 0x8FF),
    (0x900, 0x97F),
    (0xE00, 0xEFF),
    (0x1100, 0x11FF),
    (0x1680, 0x1680),
    (0x1C80, 0x1C9F),
    (0x1E00, 0x1FFF),
    (0x2000, 0x206F),
    (0x2070, 0x218F),
    (0x2190, 0x25FF),
    (0x2600, 0x27BF),
    (0x2C00, 0x2C7F),
    (0x3000, 0x30FF),
    (0x4DF0, 0x4E10),
    (0x9F90, 0x9FB0),
    (0xA640, 0xA7FF),
    (0xABF0, 0xAC20),
    (0xD790, 0xD7FF),
    (0xE000, 0xE010),
    (0xF900, 0xFAFF),
    (0xFB00, 0xFEFF),
    (0xFF00, 0xFFFD),
    (0x1_0400, 0x1_044F),
    (0x1_D165, 0x1_D7FF),
    (0x1_F1E6, 0x1_F9FF),
];

const SPACES: [&str; 14] = [
    " ", " ", " ", "\t", "\n", "\n", "\r\n", "\r", "\u{b}", "\u{c}", "\u{85}", "\u{a0}", "\u{2028}",
    "\u{3000}",
];

const SNIPPETS: [&str; 24] = [
    "don't",
    "I'M",
    "we'LL",
    "'s's",
    "''s",
    "x'ſ",
    "'rE",
    " 've",
    "a'dB",
    "<|endoftext|>",
    "<|s p|>",
    "=!=",
    "    ",
    "==/\n//",
    ";\r\n/",
    "1'st",
    "Ã©â€™",
    "\u{fffd}",
    "e\u{301}",
    "\u{1100}\u{1161}",
    "👩\u{200d}👧",
    "fooBarHTTPServer",
    "Ǆǅǆ",
    "ªºAa",
];

/// An endless supply of texts.
pub struct Texts(u64);

impl Texts {
    /// The same texts for the same seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn random(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.random() % limit as u64) as usize
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn character(&mut self) -> char {
        let (first, last) = if self.below(8) == 0 { (0, 0x10_FFFF) } else { self.one_of(&RANGES) };
        let code = first + self.below((last - first + 1) as usize) as u32;
        char::from_u32(code).unwrap_or('\u{fffd}')
    }

    fn ascii(&mut self) -> char {
        char::from(self.below(128) as u8)
    }

    /// Mostly short, sometimes longer than a block, seldom very long.
    fn length(&mut self) -> usize {
        match self.below(40) {
            0 => self.below(300),
            1..5 => self.below(80),
            _ => 1 + self.below(9),
        }
    }

    fn piece(&mut self, out: &mut String) {
        let length = self.length();
        match self.below(14) {
            0 | 1 => (0..length).for_each(|_| out.push(char::from(b'a' + self.below(26) as u8))),
            2 => (0..length).for_each(|_| {
                let small = char::from(b'a' + self.below(26) as u8);
                out.push(if self.below(3) == 0 { small.to_ascii_uppercase() } else { small });
            }),
            3 => (0..length).for_each(|_| out.push(char::from(b'0' + self.below(10) as u8))),
            4 | 5 => (0..length).for_each(|_| out.push_str(self.one_of(&SPACES))),
            6 => (0..length)
                .for_each(|_| out.push(self.one_of(&['(', '/', '\'', '"', '=', '-', '_', '\n', ' ', '.']))),
            7 => (0..length).for_each(|_| out.push(self.ascii())),
            8 => {
                let c = if self.below(2) == 0 { self.ascii() } else { self.character() };
                (0..length).for_each(|_| out.push(c));
            }
            9 => (0..length).for_each(|_| out.push(self.character())),
            10 => (0..length.min(8)).for_each(|_| out.push_str(self.one_of(&SNIPPETS))),
            11 => out.push_str(self.one_of(&SNIPPETS)),
            12 => {
                let bytes: Vec<u8> = (0..length).map(|_| self.random() as u8).collect();
                out.push_str(&String::from_utf8_lossy(&bytes));
            }
            _ => {
                let space = self.one_of(&SPACES);
                (0..length).for_each(|_| out.push_str(space));
            }
        }
    }

    /// A stretch of source code with a few characters changed.
    fn mutated(&mut self) -> String {
        let source = self.one_of(&SOURCES);
        let chars: Vec<char> = source.chars().collect();
        let from = self.below(chars.len());
        let to = (from + self.below(3000)).min(chars.len());
        let every = 1 + self.below(100);
        let mut out = String::new();
        for &c in &chars[from..to] {
            if self.below(every) > 0 {
                out.push(c);
                continue;
            }
            match self.below(4) {
                0 => {}
                1 => self.piece(&mut out),
                2 => out.extend([c, c]),
                _ => out.push(self.character()),
            }
        }
        out
    }

    /// The next text.
    pub fn next(&mut self) -> String {
        if self.below(3) == 0 {
            return self.mutated();
        }
        let pieces = if self.below(50) == 0 { 3000 } else { 1 + self.below(60) };
        let mut out = String::new();
        for _ in 0..pieces {
            self.piece(&mut out);
        }
        out
    }
}
