//! Properties of every stream, over random options and seeds, and the exact bytes of known streams.

use std::collections::{BTreeMap, HashMap, HashSet};

use proptest::prelude::*;

use super::*;
use crate::event::COLUMNS;
use crate::locale::Locale;

/// The files of a run of `events`, in order, by their first sequence number.
type Files = Vec<(FileId, Vec<u8>)>;

fn collect(files: &mut Files, piece: Piece<'_>) {
    if piece.opens {
        files.push((piece.file, Vec::new()));
    }
    let (file, bytes) = files.last_mut().expect("a file opens before it goes on");
    assert_eq!(*file, piece.file);
    bytes.extend_from_slice(piece.bytes);
}

fn run(generator: &mut Generator, end: u64) -> Files {
    let mut files = Files::new();
    generator.end_at(end).unwrap();
    while let Some(piece) = generator.next_piece() {
        collect(&mut files, piece);
    }
    files
}

/// The valid rows of a file, as the `csv` crate reads them, and the number of the others.
fn parse(csv: &[u8]) -> (Vec<Event>, u64) {
    let mut reader = ::csv::ReaderBuilder::new().flexible(true).from_reader(csv);
    assert_eq!(reader.byte_headers().unwrap(), COLUMNS.as_slice());
    let headers = reader.byte_headers().unwrap().clone();
    let (mut events, mut malformed) = (Vec::new(), 0);
    for record in reader.byte_records() {
        let record = record.unwrap();
        let event = record.deserialize::<Event>(Some(&headers)).ok();
        let valid = |event: &Event| {
            event.updated_at.parse::<jiff::Timestamp>().is_ok() && !event.last_name.ends_with('"')
        };
        match event.filter(|event| record.len() == COLUMNS.len() && valid(event)) {
            Some(event) => events.push(event),
            None => malformed += 1,
        }
    }
    (events, malformed)
}

/// The target after all events, in any order.
fn fold(events: &[Event]) -> BTreeMap<u64, Event> {
    let mut latest: BTreeMap<u64, &Event> = BTreeMap::new();
    for event in events {
        let known = latest.entry(event.customer_id).or_insert(event);
        if (&event.updated_at, event.sequence) > (&known.updated_at, known.sequence) {
            *known = event;
        }
    }
    latest
        .into_iter()
        .filter(|(_, event)| event.op != Op::Delete)
        .map(|(id, event)| (id, event.clone()))
        .collect()
}

/// The part of a row that the target's checksum covers.
fn state(event: &Event) -> Event {
    Event {
        op: Op::Insert,
        updated_at: String::new(),
        sequence: 0,
        ..event.clone()
    }
}

prop_compose! {
    fn options()(
        seed: u64,
        locales in proptest::sample::subsequence(Locale::ALL.to_vec(), 1..=6),
        rows_per_file in 1_u64..700,
        initial in 0_u64..200,
        updates in 0.0..0.6,
        deletes in 0.0..0.4,
        returns in 0.0..1.0,
        first_customer_id in 0_u64..2_000_000_000,
        gap_micros in prop_oneof![Just(1_u64), 1_u64..10_000_000_000],
        faults in prop_oneof![Just([0.0; 4]), [0.0..0.3, 0.0..0.3, 0.0..0.3, 0.0..0.3]],
    ) -> Options {
        let [late, duplicates, same_key, malformed] = faults;
        Options {
            seed, locales, rows_per_file, initial, updates, deletes, returns, first_customer_id, gap_micros, late,
            duplicates, same_key, malformed, ..Options::default()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn changes_refer_to_current_customers_and_change_a_value(options in options(), end in 1_u64..5_000) {
        let mut generator = Generator::new(Options { late: 0.0, duplicates: 0.0, malformed: 0.0, ..options }).unwrap();
        let files = run(&mut generator, end);
        let mut living: HashMap<u64, Event> = HashMap::new();
        let mut last: HashMap<u64, (String, u64)> = HashMap::new();
        let mut sequence = 0;
        for event in files.iter().flat_map(|(_, csv)| parse(csv).0) {
            prop_assert_eq!(event.sequence, sequence);
            sequence += 1;
            let order = (event.updated_at.clone(), event.sequence);
            if let Some(before) = last.insert(event.customer_id, order.clone()) {
                prop_assert!(before < order);
            }
            match event.op {
                Op::Insert => prop_assert!(living.insert(event.customer_id, event).is_none()),
                Op::Update => {
                    let before = living.insert(event.customer_id, event.clone()).expect("an update needs a living customer");
                    prop_assert_ne!(state(&before), state(&event));
                }
                Op::Delete => {
                    let before = living.remove(&event.customer_id).expect("a delete needs a living customer");
                    prop_assert_eq!(state(&before), state(&event));
                }
            }
        }
        prop_assert_eq!(sequence, end);
        let emails: HashSet<_> = living.values().map(|event| &event.email).collect();
        prop_assert_eq!(emails.len(), living.len());
    }

    #[test]
    fn the_expected_state_is_a_naive_fold_of_the_files(options in options(), end in 1_u64..5_000) {
        let mut generator = Generator::new(options).unwrap();
        let files = run(&mut generator, end);
        let (mut events, mut malformed) = (Vec::new(), 0);
        for (_, csv) in &files {
            let (valid, bad) = parse(csv);
            events.extend(valid);
            malformed += bad;
        }
        let tally = generator.tally();
        prop_assert_eq!(tally.events(), end);
        prop_assert_eq!(tally.malformed.len() as u64, malformed);
        prop_assert_eq!(events.len() as u64, end + tally.duplicates);
        prop_assert_eq!(tally.rows, events.len() as u64 + malformed);
        let expected = fold(&events);
        let living: BTreeMap<u64, Event> = generator.living().map(|event| (event.customer_id, event)).collect();
        prop_assert_eq!(living.len(), expected.len());
        for (id, event) in &expected {
            prop_assert_eq!(state(&living[id]), state(event));
        }
        prop_assert_eq!(generator.final_state(1), generator.final_state(3));
    }

    #[test]
    fn the_manifest_locates_every_malformed_row(options in options(), end in 1_u64..3_000) {
        let mut generator = Generator::new(Options { malformed: 0.2, ..options }).unwrap();
        let files = run(&mut generator, end);
        let valid: HashMap<u64, Event> = files.iter().flat_map(|(_, csv)| parse(csv).0).map(|e| (e.sequence, e)).collect();
        for malformed in &generator.tally().malformed {
            let (_, csv) = files.iter().find(|(file, _)| file.first_sequence == malformed.file).expect("a known file");
            let row = csv.split(|&byte| byte == b'\n').nth(malformed.row as usize).expect("a row of that number");
            let text = String::from_utf8_lossy(row);
            let original = &valid[&malformed.sequence];
            prop_assert!(text.contains(&original.email));
            match malformed.defect {
                Defect::BadDate => prop_assert!(text.contains("2026-13-45")),
                Defect::MissingColumn => {
                    let last = original.sequence.to_string();
                    prop_assert!(text.rsplit(',').next() != Some(&last));
                }
                Defect::UnknownOp => prop_assert!(text.starts_with("X,")),
                Defect::WrongUtf8 => prop_assert!(std::str::from_utf8(row).is_err()),
                Defect::UnbalancedQuote => prop_assert_eq!(text.matches('"').count() % 2, 1),
            }
        }
    }

    #[test]
    fn the_hot_loop_writes_the_same_values_as_the_plain_renderer(options in options(), end in 1_u64..2_000) {
        let options = Options { late: 0.0, duplicates: 0.0, malformed: 0.0, ..options };
        let csv = run(&mut Generator::new(options.clone()).unwrap(), end);
        let jsonl = run(&mut Generator::new(Options { format: Format::Jsonl, ..options }).unwrap(), end);
        let from_csv: Vec<Event> = csv.iter().flat_map(|(_, csv)| parse(csv).0).collect();
        let from_jsonl: Vec<Event> = jsonl
            .iter()
            .flat_map(|(_, lines)| std::str::from_utf8(lines).unwrap().lines())
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        prop_assert_eq!(from_csv, from_jsonl);
    }

    #[test]
    fn the_number_of_threads_does_not_change_the_files(options in options(), end in 1_u64..20_000) {
        let alone = run(&mut Generator::new(options.clone()).unwrap(), end);
        for threads in [1, 2, 7] {
            let mut generator = Generator::new(options.clone()).unwrap();
            generator.end_at(end).unwrap();
            let mut files = Files::new();
            in_parallel(&mut generator, threads, |piece| { collect(&mut files, piece); Ok::<_, ()>(()) }).unwrap();
            prop_assert!(files == alone, "{threads} threads");
        }
    }

    #[test]
    fn a_resumed_run_equals_one_run(options in options(), first in 0_u64..3_000, more in 1_u64..3_000) {
        // Also in the middle of a file. A bounded run delivers its late rows by its end, so the rows are the same, in other files.
        let rows = |files: &Files| -> Vec<Vec<u8>> {
            let lines = |csv: &Vec<u8>| csv.split_inclusive(|&byte| byte == b'\n').skip(1).map(<[u8]>::to_vec).collect::<Vec<_>>();
            files.iter().flat_map(|(_, csv)| lines(csv)).collect()
        };
        let mut whole = rows(&run(&mut Generator::new(options.clone()).unwrap(), first + more));
        let mut generator = Generator::new(options.clone()).unwrap();
        let mut parts = rows(&run(&mut generator, first));
        let mut resumed = Generator::resume(options.clone(), generator.position()).unwrap();
        parts.extend(rows(&run(&mut resumed, first + more)));
        if options.late > 0.0 {
            whole.sort();
            parts.sort();
        }
        prop_assert!(whole == parts);
    }

    #[test]
    fn an_endless_stream_resumes_with_the_same_bytes_after_a_crash(options in options(), before in 0_usize..9, after in 1_usize..9) {
        let files = |generator: &mut Generator, count: usize| {
            let mut files = Files::new();
            let mut closed = 0;
            while closed < count {
                let piece = generator.next_piece().expect("no end");
                closed += usize::from(piece.closes);
                collect(&mut files, piece);
            }
            files
        };
        let mut generator = Generator::new(options.clone()).unwrap();
        let whole = files(&mut generator, before + after);
        let mut crashed = Generator::new(options.clone()).unwrap();
        let mut parts = files(&mut crashed, before);
        let mut resumed = Generator::resume(options, crashed.position()).unwrap();
        parts.extend(files(&mut resumed, after));
        prop_assert!(whole == parts);
        // Once stopped, both deliver their late events.
        let (mut late, mut late_resumed) = (Files::new(), Files::new());
        while let Some(piece) = generator.flush() { collect(&mut late, piece); }
        while let Some(piece) = resumed.flush() { collect(&mut late_resumed, piece); }
        prop_assert!(late == late_resumed);
        prop_assert_eq!(generator.position(), resumed.position());
    }
}

/// The whole stream of one seed.
fn sample(options: Options, end: u64) -> Vec<Event> {
    run(&mut Generator::new(options).unwrap(), end)
        .iter()
        .flat_map(|(_, csv)| parse(csv).0)
        .collect()
}

fn share<T>(items: &[T], wanted: impl Fn(&T) -> bool) -> f64 {
    items.iter().filter(|item| wanted(item)).count() as f64 / items.len() as f64
}

#[test]
fn the_mix_has_the_requested_fractions() {
    let events = sample(
        Options {
            initial: 1_000,
            updates: 0.5,
            deletes: 0.1,
            ..Options::default()
        },
        101_000,
    );
    assert!(events[..1_000].iter().all(|event| event.op == Op::Insert));
    let rest = &events[1_000..];
    assert!((share(rest, |event| event.op == Op::Update) - 0.5).abs() < 0.01);
    assert!((share(rest, |event| event.op == Op::Delete) - 0.1).abs() < 0.005);
    let mut known = HashSet::new();
    let inserts: Vec<_> = events
        .iter()
        .filter(|event| event.op == Op::Insert)
        .collect();
    let returning = inserts
        .iter()
        .filter(|event| !known.insert(event.customer_id))
        .count() as f64;
    assert!(
        (returning / inserts.len() as f64 - 0.05).abs() < 0.01,
        "{returning} of {}",
        inserts.len()
    );
}

#[test]
fn a_change_affects_the_expected_columns() {
    let events = sample(
        Options {
            initial: 500,
            updates: 0.9,
            ..Options::default()
        },
        50_000,
    );
    let mut last: HashMap<u64, Event> = HashMap::new();
    let mut kinds: BTreeMap<Vec<&str>, u32> = BTreeMap::new();
    for event in events {
        if let Some(before) = last.insert(event.customer_id, event.clone()) {
            let pairs = [
                ("first_name", before.first_name != event.first_name),
                ("last_name", before.last_name != event.last_name),
                ("email", before.email != event.email),
                ("phone", before.phone != event.phone),
                ("street", before.street != event.street),
                (
                    "city",
                    (before.city, before.state, before.postal_code)
                        != (event.city, event.state, event.postal_code),
                ),
            ];
            *kinds
                .entry(
                    pairs
                        .iter()
                        .filter(|pair| pair.1)
                        .map(|pair| pair.0)
                        .collect(),
                )
                .or_default() += 1;
        }
    }
    let total: u32 = kinds.values().sum();
    let of = |kind: &[&str]| f64::from(kinds.get(kind).copied().unwrap_or(0)) / f64::from(total);
    assert!((of(&["last_name"]) - 0.10).abs() < 0.01, "{kinds:?}");
    assert!((of(&["email"]) - 0.30).abs() < 0.01, "{kinds:?}");
    assert!((of(&["phone"]) - 0.25).abs() < 0.01, "{kinds:?}");
    // Most moves are to another telephone area, which changes the number too.
    let moves = of(&["street", "city"]) + of(&["phone", "street", "city"]) + of(&["street"]);
    assert!((moves - 0.35).abs() < 0.01, "{kinds:?}");
}

#[test]
fn names_have_their_real_frequencies() {
    for locale in Locale::ALL {
        let events = sample(
            Options {
                locales: vec![locale],
                ..Options::default()
            },
            100_000,
        );
        let lists = crate::locale::Lists::of(locale);
        let total: u64 = lists.last_names.iter().map(|name| name.weight).sum();
        for name in lists.last_names.iter().take(5) {
            let expected = name.weight as f64 / total as f64;
            let seen = share(&events, |event| event.last_name == name.text);
            let slack = 5.0 * (expected / 100_000.0).sqrt();
            assert!(
                (seen - expected).abs() < slack,
                "{locale:?} {}: {seen} for {expected}",
                name.text
            );
        }
    }
}

#[test]
fn the_parts_of_an_address_are_consistent() {
    for locale in Locale::ALL {
        let cities: HashMap<_, _> = crate::locale::Lists::of(locale)
            .cities
            .into_iter()
            .map(|city| ((city.name, city.state), city))
            .collect();
        let facts = crate::locale::Facts::of(locale);
        for event in sample(
            Options {
                locales: vec![locale],
                updates: 0.4,
                ..Options::default()
            },
            20_000,
        ) {
            let city = cities[&(event.city.as_str(), event.state.as_str())];
            assert!(
                event.postal_code.starts_with(city.postal_prefix),
                "{event:?}"
            );
            assert_eq!(event.postal_code.len(), facts.postal.len(), "{event:?}");
            assert!(
                event
                    .phone
                    .starts_with(&format!("{}{}", facts.dial, city.phone_prefix)),
                "{event:?}"
            );
            assert_eq!(
                event.phone.len(),
                facts.dial.len() + facts.phone_digits,
                "{event:?}"
            );
            assert_eq!(event.country, facts.country);
        }
    }
}

#[test]
fn text_that_needs_quoting_occurs() {
    for locale in Locale::ALL {
        let events = sample(
            Options {
                locales: vec![locale],
                ..Options::default()
            },
            20_000,
        );
        assert!(
            share(&events, |event| event.first_name.contains('"')) > 0.000_5,
            "{locale:?}"
        );
    }
    let events = sample(Options::default(), 20_000);
    assert!(share(&events, |event| event.street.contains(',')) > 0.2);
    assert!(share(&events, |event| event.last_name.contains('\'')) > 0.000_1);
}

#[test]
fn rows_stay_shorter_than_half_a_window() {
    for locale in Locale::ALL {
        let widest = Options {
            locales: vec![locale],
            first_customer_id: 9_999_990_000_000_000,
            ..Options::default()
        };
        let csv = run(&mut Generator::new(widest).unwrap(), 50_000);
        let longest = csv[0].1.split(|&byte| byte == b'\n').map(<[u8]>::len).max();
        assert!(
            longest < Some(digits::WINDOW / 2 - 64),
            "{locale:?}: {longest:?}"
        );
    }
}

/// These checksums must not change: a known seed always gives the same customers.
#[test]
fn a_seed_always_gives_the_same_bytes() {
    use md5::{Digest, Md5};
    let digest = |options: Options| {
        let mut hash = Md5::new();
        for (_, bytes) in run(&mut Generator::new(options).unwrap(), 50_000) {
            hash.update(bytes);
        }
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let changes = Options {
        seed: 42,
        updates: 0.3,
        deletes: 0.05,
        rows_per_file: 7_000,
        ..Options::default()
    };
    let everything = Options {
        locales: Locale::ALL.to_vec(),
        late: 0.02,
        duplicates: 0.01,
        same_key: 0.01,
        malformed: 0.01,
        ..changes.clone()
    };
    assert_eq!(
        digest(Options::default()),
        "6a11089cca76e69ac2c22920481ce013"
    );
    assert_eq!(digest(changes), "ff9939bcf071189147d94fa3ceb91b68");
    assert_eq!(
        digest(everything.clone()),
        "68bee6da6dae96683fe1a2f9a97ca6d0"
    );
    assert_eq!(
        digest(Options {
            format: Format::Jsonl,
            ..everything
        }),
        "6ef9148ae1a9c411de778b4213ed2940"
    );
}

#[test]
fn the_reader_rejects_exactly_the_malformed_rows() {
    let contract = crate::contract::Contract::customer();
    for format in [Format::Csv, Format::Jsonl] {
        let mut generator = Generator::new(Options {
            malformed: 0.2,
            format,
            ..Options::default()
        })
        .unwrap();
        let files = run(&mut generator, 3_000);
        let mut rejected = Vec::new();
        for (file, bytes) in &files {
            let mut reader = crate::reader::Reader::new(&contract, bytes.as_slice()).unwrap();
            while let Some(piece) = reader.next().unwrap() {
                if let crate::reader::Piece::Rejected(row) = piece {
                    rejected.push((file.first_sequence, row.row));
                }
            }
        }
        let malformed = generator.tally().malformed.iter();
        let malformed: Vec<(u64, u64)> = malformed.map(|one| (one.file, one.row)).collect();
        assert_eq!(rejected, malformed, "{format:?}");
    }
}
