//! Tests of the shapes of secrets. The tokens are made up and put together at run time, so that no scanner takes them
//! for real ones.

use proptest::prelude::*;

use super::*;

const RANDOM: &str = "a8Kd0fLq2Zx7Vb5Nm3Ty9Wc1Rg6Hs4Jp0Ue2Io8Al5Qk7Mx3Bv9Dn1Cf6Zt4Yw0Se2Gr8Hu5Ji7Op3";

fn token(beginning: &str, length: usize) -> String {
    format!("{beginning}{}", RANDOM.chars().cycle().take(length).collect::<String>())
}

fn kinds(text: &str) -> Vec<(&'static str, &str)> {
    find(text).into_iter().map(|found| (found.kind, &text[found.range])).collect()
}

#[test]
fn tokens_of_well_known_shapes_are_found_whole() {
    for (beginning, length, kind) in [
        ("ghp_", 36, "github_token"),
        ("github_pat_", 82, "github_token"),
        ("glpat-", 20, "gitlab_token"),
        ("xoxb-", 50, "slack_token"),
        ("sk_live_", 24, "stripe_key"),
        ("AIza", 35, "google_api_key"),
        ("sk-ant-", 95, "anthropic_key"),
        ("npm_", 36, "npm_token"),
        ("pypi-AgEI", 150, "pypi_token"),
        ("hf_", 34, "hugging_face_token"),
    ] {
        let token = token(beginning, length);
        let text = format!("# é\nkey = \"{token}\"\n");
        assert_eq!(kinds(&text), [(kind, &*token)]);
        assert!(kinds(&format!("x{token}")).is_empty(), "{beginning} within a word");
        let short = &token[..beginning.len() + 10];
        assert!(kinds(short).is_empty(), "{short} is too short");
    }
}

#[test]
fn shapes_with_parts_are_found_whole() {
    let aws = format!("AKIA{}", &RANDOM.to_uppercase()[..16]);
    assert_eq!(kinds(&format!("id: {aws}")), [("aws_access_key", &*aws)]);
    let openai = format!("sk-proj-{}T3BlbkFJ{}", &RANDOM[..20], &RANDOM[20..40]);
    assert_eq!(kinds(&openai), [("openai_key", &*openai)]);
    let sendgrid = format!("SG.{}.{}", &RANDOM[..22], &RANDOM[..43]);
    assert_eq!(kinds(&sendgrid), [("sendgrid_key", &*sendgrid)]);
    let jwt = format!("eyJhbGciOiJIUzI1NiJ9.eyJ{}.{}", &RANDOM[..30], &RANDOM[..43]);
    assert_eq!(kinds(&format!("Bearer {jwt}\n")), [("json_web_token", &*jwt)]);
    let azure: String = RANDOM.chars().cycle().take(86).collect::<String>() + "==";
    assert_eq!(kinds(&format!("AccountKey={azure};x")), [("azure_storage_key", &*azure)]);
}

#[test]
fn private_keys_are_found_to_their_end_also_in_strings() {
    for label in ["RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK"] {
        for end in ["\n", "\\n", "\r\n"] {
            let key = format!("-----BEGIN {label}-----{end}{RANDOM}{end}{RANDOM}{end}-----END {label}-----");
            assert_eq!(kinds(&format!("k = '''{key}'''\nx = 1\n")), [("private_key", &*key)]);
        }
    }
}

#[test]
fn placeholders_public_keys_and_prose_are_let_be() {
    for text in [
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
        "if line.startswith('-----BEGIN RSA PRIVATE KEY-----'):",
        "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----",
        "a task-list of sk-learn and sk-image",
        "eyJ is how JSON begins in base64",
        "AccountKey=<your key>",
        "SG.foo.bar",
    ] {
        assert_eq!(kinds(text), [], "{text}");
    }
}

proptest! {
    #[test]
    fn ranges_are_sorted_apart_and_on_character_boundaries(
        parts in prop::collection::vec(
            prop_oneof![
                "\\PC{0,12}",
                Just(token("ghp_", 36)),
                Just("-----BEGIN PRIVATE KEY-----".to_owned()),
                Just(RANDOM.to_owned()),
                Just("-----END PRIVATE KEY-----".to_owned()),
                Just("eyJ".to_owned()),
                Just("sk-".to_owned()),
                Just(".".to_owned()),
            ],
            0..20,
        )
    ) {
        let text = parts.concat();
        let mut end = 0;
        for found in find(&text) {
            prop_assert!(found.range.start >= end && found.range.start < found.range.end);
            prop_assert!(text.get(found.range.clone()).is_some());
            end = found.range.end;
        }
    }
}
