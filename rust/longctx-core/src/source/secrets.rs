//! Secrets that a text must not teach: private keys and access tokens of well-known shapes.
//!
//! A single pass looks for the fixed beginnings of the shapes; where one is found, the whole shape is checked. The
//! checks are strict (length, alphabet, what stands beside it, and that a key is not a placeholder), because a file
//! full of false alarms teaches nothing either.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::Serialize;

/// A stretch of a text that must not be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Redaction {
    /// In bytes of the text.
    pub range: Range<usize>,
    /// What it looks like: `private_key`, `github_token`, ...
    pub kind: &'static str,
}

/// How a shape goes on after its beginning.
enum Rest {
    /// Exactly so many characters of an alphabet.
    Exactly(usize, Alphabet),
    /// At least and at most so many.
    Between(usize, usize, Alphabet),
    /// Up to the line that ends a PEM block.
    Pem,
    /// Three parts of base64 with dots between.
    Jwt,
    /// The value of a connection string, up to a semicolon or quotation mark.
    AzureKey,
    /// OpenAI's keys: the mark `T3BlbkFJ` in the middle of them.
    OpenAi,
    /// Two parts of fixed lengths with a dot between.
    SendGrid,
}

type Alphabet = fn(u8) -> bool;

fn upper(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit()
}

fn alphanumeric(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn hexadecimal(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

struct Shape {
    beginning: &'static str,
    kind: &'static str,
    rest: Rest,
}

const fn shape(beginning: &'static str, kind: &'static str, rest: Rest) -> Shape {
    Shape { beginning, kind, rest }
}

static SHAPES: &[Shape] = &[
    shape("-----BEGIN ", "private_key", Rest::Pem),
    shape("AKIA", "aws_access_key", Rest::Exactly(16, upper)),
    shape("ASIA", "aws_access_key", Rest::Exactly(16, upper)),
    shape("ghp_", "github_token", Rest::Exactly(36, alphanumeric)),
    shape("gho_", "github_token", Rest::Exactly(36, alphanumeric)),
    shape("ghu_", "github_token", Rest::Exactly(36, alphanumeric)),
    shape("ghs_", "github_token", Rest::Exactly(36, alphanumeric)),
    shape("ghr_", "github_token", Rest::Exactly(36, alphanumeric)),
    shape("github_pat_", "github_token", Rest::Exactly(82, word)),
    shape("glpat-", "gitlab_token", Rest::Between(20, 64, url)),
    shape("xoxb-", "slack_token", Rest::Between(20, 100, url)),
    shape("xoxp-", "slack_token", Rest::Between(20, 100, url)),
    shape("xoxa-", "slack_token", Rest::Between(20, 100, url)),
    shape("xoxr-", "slack_token", Rest::Between(20, 100, url)),
    shape("xoxs-", "slack_token", Rest::Between(20, 100, url)),
    shape("sk_live_", "stripe_key", Rest::Between(16, 200, alphanumeric)),
    shape("rk_live_", "stripe_key", Rest::Between(16, 200, alphanumeric)),
    shape("AIza", "google_api_key", Rest::Exactly(35, url)),
    shape("sk-", "openai_key", Rest::OpenAi),
    shape("sk-ant-", "anthropic_key", Rest::Between(80, 200, url)),
    shape("npm_", "npm_token", Rest::Exactly(36, alphanumeric)),
    shape("pypi-AgEI", "pypi_token", Rest::Between(50, 1000, url)),
    shape("SG.", "sendgrid_key", Rest::SendGrid),
    shape("hf_", "hugging_face_token", Rest::Exactly(34, alphanumeric)),
    shape("dop_v1_", "digitalocean_token", Rest::Exactly(64, hexadecimal)),
    shape("AccountKey=", "azure_storage_key", Rest::AzureKey),
    shape("eyJ", "json_web_token", Rest::Jwt),
];

static BEGINNINGS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .build(SHAPES.iter().map(|shape| shape.beginning))
        .ok()
});

/// The secrets of a text: sorted, apart from each other, on character boundaries.
pub fn find(text: &str) -> Vec<Redaction> {
    let bytes = text.as_bytes();
    let mut found: Vec<Redaction> = Vec::new();
    let Some(beginnings) = BEGINNINGS.as_ref() else { return found };
    for hit in beginnings.find_iter(text) {
        let shape = &SHAPES[hit.pattern().as_usize()];
        let taken = found.last().is_some_and(|last| hit.start() < last.range.end);
        if taken || !stands_alone(bytes, hit.start(), shape) {
            continue;
        }
        if let Some(length) = check(shape, &bytes[hit.end()..]) {
            found.push(Redaction { range: hit.start()..hit.end() + length, kind: shape.kind });
        }
    }
    for redaction in &mut found {
        // A private key is named by its value alone, so that the setting it belongs to can still be read.
        if redaction.kind == "azure_storage_key" {
            redaction.range.start += "AccountKey=".len();
        }
    }
    found
}

/// Whether a token does not begin in the middle of a longer word.
fn stands_alone(bytes: &[u8], start: usize, shape: &Shape) -> bool {
    matches!(shape.rest, Rest::Pem) || start == 0 || !url(bytes[start - 1])
}

/// How long the rest of the shape is, if it is what follows.
fn check(shape: &Shape, rest: &[u8]) -> Option<usize> {
    let run = |alphabet: Alphabet, most: usize| {
        rest.iter().take(most + 1).take_while(|&&byte| alphabet(byte)).count()
    };
    let length = match shape.rest {
        Rest::Exactly(length, alphabet) => (run(alphabet, length) == length).then_some(length),
        Rest::Between(least, most, alphabet) => {
            let length = run(alphabet, most);
            (least..=most).contains(&length).then_some(length)
        }
        Rest::Pem => return pem(rest),
        Rest::Jwt => jwt(rest),
        Rest::AzureKey => azure_key(rest),
        Rest::OpenAi => {
            let length = run(url, 250);
            let marked = memchr::memmem::find(&rest[..length], b"T3BlbkFJ").is_some();
            ((40..=250).contains(&length) && marked).then_some(length)
        }
        Rest::SendGrid => {
            let (first, second) = (run(url, 22), 43);
            let fits = first == 22
                && rest.get(22) == Some(&b'.')
                && rest[23..].iter().take(second + 1).take_while(|&&byte| url(byte)).count() == second;
            fits.then_some(22 + 1 + second)
        }
    }?;
    is_random(&rest[..length]).then_some(length)
}

/// Whether it can be a key rather than a placeholder: at least eight different characters, and not the word EXAMPLE.
fn is_random(token: &[u8]) -> bool {
    let mut seen = [false; 256];
    for &byte in token {
        seen[usize::from(byte)] = true;
    }
    seen.iter().filter(|&&seen| seen).count() >= 8 && memchr::memmem::find(token, b"EXAMPLE").is_none()
}

/// The longest private key that is looked for, in bytes.
const MAX_PEM: usize = 16 * 1024;

/// From after `-----BEGIN ` to the end of the line `-----END ... PRIVATE KEY-----`; the lines may be escaped (`\n`) in a
/// string.
fn pem(rest: &[u8]) -> Option<usize> {
    let label_end = memchr::memmem::find(&rest[..rest.len().min(60)], b"-----")?;
    let label = &rest[..label_end];
    let label_ok = label.ends_with(b"PRIVATE KEY") || label.ends_with(b"PRIVATE KEY BLOCK");
    if !label_ok
        || !label.iter().all(|&byte| byte.is_ascii_uppercase() || byte == b' ' || byte.is_ascii_digit())
    {
        return None;
    }
    let body_start = label_end + 5;
    let window = &rest[body_start..rest.len().min(body_start + MAX_PEM)];
    let end = memchr::memmem::find(window, b"-----END ")?;
    let after = &window[end + 9..];
    let tail = after.strip_prefix(label)?.strip_prefix(b"-----")?;
    let body = &window[..end];
    let key =
        body.iter().filter(|&&byte| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/').count();
    // A key has hundreds of characters; a shorter block is a placeholder in a manual.
    (key >= 40 && is_random(body)).then(|| body_start + (window.len() - tail.len()))
}

/// From after the `eyJ` of the header: header, payload (which begins with `eyJ` too), signature.
fn jwt(rest: &[u8]) -> Option<usize> {
    let run = |from: usize| rest[from..].iter().take_while(|&&byte| url(byte)).count();
    let header = run(0);
    if header < 10 || !rest[header..].starts_with(b".eyJ") {
        return None;
    }
    let payload = run(header + 1);
    let signature = header + 1 + payload + 1;
    if payload < 10 || rest.get(signature - 1) != Some(&b'.') {
        return None;
    }
    let length = run(signature);
    (length >= 20).then_some(signature + length)
}

/// 64 bytes in base64: 86 characters and two equals signs.
fn azure_key(rest: &[u8]) -> Option<usize> {
    let base64 = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    (rest.iter().take_while(base64).count() == 86 && rest[86..].starts_with(b"==")).then_some(88)
}

#[cfg(test)]
mod tests;
