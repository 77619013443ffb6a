//! What was written of documents is what is read.

use proptest::prelude::*;

use super::*;
use crate::source::LANGUAGES;

fn any_window() -> impl Strategy<Value = Window> {
    (any::<[u32; 6]>(), any::<[bool; 3]>()).prop_map(|(numbers, flags)| Window {
        tokens: numbers[0]..numbers[1],
        bytes: numbers[2]..numbers[3],
        context: numbers[4],
        learnt_from: numbers[5],
        begins_with_break: flags[0],
        ends_with_break: flags[1],
        cut_short: flags[2],
    })
}

/// Windows alone and in context, for two bands.
type Windows = [(Vec<Window>, Option<Vec<Window>>); 2];

#[derive(Debug, Clone)]
struct Sample {
    path: Vec<u8>,
    blob: String,
    header: Vec<u32>,
    redacted: Vec<[u32; 4]>,
    windows: Windows,
    language: usize,
    sizes: [u32; 8],
    part: bool,
}

fn any_sample() -> impl Strategy<Value = Sample> {
    let windows = || {
        let some = || prop::collection::vec(any_window(), 0..3);
        (some(), prop::option::of(some()))
    };
    let windows = (windows(), windows()).prop_map(<[_; 2]>::from);
    let redacted = prop::collection::vec(any::<[u32; 4]>(), 0..2);
    let header = prop::collection::vec(any::<u32>(), 0..6);
    let path = prop::collection::vec(any::<u8>(), 1..9);
    (path, "[0-9a-f]{0,9}", header, redacted, windows, 0..=LANGUAGES.len(), any::<[u32; 8]>(), any::<bool>())
        .prop_map(|(path, blob, header, redacted, windows, language, sizes, part)| Sample {
            path,
            blob,
            header,
            redacted,
            windows,
            language,
            sizes,
            part,
        })
}

impl Sample {
    fn sizes(&self) -> Sizes {
        let [bytes, tokens_at, text_at, said_at, text_bytes, tokens, links_bytes, calls_bytes] = self.sizes;
        let [bytes, tokens_at, text_at, said_at] = [bytes, tokens_at, text_at, said_at].map(u64::from);
        Sizes { bytes, tokens_at, text_at, said_at, text_bytes, tokens, links_bytes, calls_bytes }
    }

    fn redacted(&self) -> Vec<RedactedTokens> {
        let one = |&[a, b, c, d]: &[u32; 4]| RedactedTokens { bytes: a..b, tokens: c..d };
        self.redacted.iter().map(one).collect()
    }
}

proptest! {
    #[test]
    fn what_is_known_of_documents_comes_back_by_their_numbers(
        samples in prop::collection::vec(any_sample(), 0..6),
    ) {
        let folder = tempfile::tempdir()?;
        let mut writers =
            [DocumentsWriter::in_folder(folder.path())?, DocumentsWriter::in_folder(folder.path())?];
        // Numbers with gaps, in falling order.
        for (number, sample) in samples.iter().enumerate().rev() {
            let cuts = sample.windows.iter().cloned();
            writers[usize::from(sample.part)].add(number as u32 * 3, &NewDocument {
                path: RepoPathRef::new(&sample.path),
                blob: &sample.blob,
                language: Language::by_number(sample.language as u16),
                encoding: Encoding::ALL[sample.language % Encoding::ALL.len()],
                header: &sample.header,
                header_shortened: sample.part,
                redacted: &sample.redacted(),
                windows: cuts.map(|(alone, in_context)| Cuts { alone, in_context }).collect(),
                sizes: sample.sizes(),
            })?;
        }
        let parts = writers.into_iter().map(DocumentsWriter::finish).collect::<crate::Result<_>>()?;
        let (mut documents, numbers) = Documents::new(parts);
        prop_assert_eq!(numbers, (0..samples.len() as u32).map(|number| number * 3).collect::<Vec<_>>());
        for document in 0..samples.len() as u32 {
            documents.set_file(document, document + 7);
        }
        prop_assert_eq!((documents.len(), documents.is_empty()), (samples.len(), samples.is_empty()));
        for ((document, record), sample) in (0u32..).zip(documents.iter()).zip(&samples) {
            prop_assert_eq!(record.path.as_bytes(), &sample.path);
            prop_assert_eq!(record.name, &*record.path.text());
            prop_assert_eq!(record.blob, &sample.blob);
            prop_assert_eq!(record.header, &sample.header);
            prop_assert_eq!(record.header_shortened, sample.part);
            let language = Language::by_number(sample.language as u16);
            prop_assert_eq!(record.language.name, language.name);
            prop_assert_eq!(documents.language(document).name, language.name);
            prop_assert_eq!(record.encoding, Encoding::ALL[sample.language % Encoding::ALL.len()]);
            prop_assert_eq!(record.redacted, sample.redacted());
            let hidden = sample.redacted.iter().map(|one| one[0] as usize..one[1] as usize);
            prop_assert_eq!(record.hidden, hidden.collect::<Vec<_>>());
            let sizes = sample.sizes();
            prop_assert_eq!(bytemuck::bytes_of(&record.sizes), bytemuck::bytes_of(&sizes));
            prop_assert_eq!((record.file, record.spool), (document + 7, u32::from(sample.part)));
            for (band, (alone, in_context)) in sample.windows.iter().enumerate() {
                prop_assert_eq!(&record.windows(band, false).collect::<Vec<_>>(), alone);
                let expected = in_context.as_ref().unwrap_or(alone);
                prop_assert_eq!(&record.windows(band, true).collect::<Vec<_>>(), expected);
                for (number, window) in (0u32..).zip(expected) {
                    prop_assert_eq!(&record.window(band, true, number), window);
                }
            }
        }
    }
}

#[test]
fn each_language_has_its_number() {
    for (number, language) in LANGUAGES.iter().enumerate() {
        assert_eq!(usize::from(language.number()), number);
        assert_eq!(Language::by_number(language.number()).name, language.name);
    }
}
