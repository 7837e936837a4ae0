//! The fast way against the exact reader and the careful way, on files made of quotes, line ends, nulls and broken pieces.
//! Each seed is a file with its format; `FIRN_SEED=17` replays the one of that seed.

use std::sync::Arc;

use super::{Copy, Loaded, OnError, fast, load};
use crate::engine::compile::Variables;
use crate::engine::files::csv::Reader;
use crate::engine::files::formats::Format;
use crate::engine::files::pieces::{Pieces, Skip};
use crate::engine::files::split::{Record, Splitter};
use crate::engine::{
    Binds, Engine, EngineOptions, Login, MemoryStore, ObjectMeta, ObjectStore, Session,
};
use crate::sql::cursor::Cursor;
use crate::sql::tokens::lex;

type Row = Vec<Option<Vec<u8>>>;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).unwrap()
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn of<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        from[self.below(from.len())]
    }
}

fn seeds(count: u64) -> std::ops::Range<u64> {
    match std::env::var("FIRN_SEED") {
        Ok(seed) => {
            let seed = seed.parse().unwrap();
            seed..seed + 1
        }
        Err(_) => 1..count + 1,
    }
}

fn options(random: &mut Random) -> String {
    let mut options = vec![
        random.of(&[
            "",
            "FIELD_OPTIONALLY_ENCLOSED_BY = '\"'",
            "FIELD_OPTIONALLY_ENCLOSED_BY = ''''",
        ]),
        random.of(&["", "", "FIELD_DELIMITER = '|'"]),
        random.of(&["", "TRIM_SPACE = TRUE"]),
        random.of(&["", "EMPTY_FIELD_AS_NULL = FALSE"]),
        random.of(&["", "NULL_IF = ()", "NULL_IF = ('NULL', '7')"]),
        random.of(&["", "SKIP_BLANK_LINES = TRUE"]),
        random.of(&["", "SKIP_HEADER = 1", "SKIP_HEADER = 2"]),
        random.of(&["", "ESCAPE_UNENCLOSED_FIELD = NONE"]),
        random.of(&["", "ERROR_ON_COLUMN_COUNT_MISMATCH = FALSE"]),
    ];
    options.retain(|option| !option.is_empty());
    options.join(" ")
}

/// Mostly regular records of three fields; sometimes something is put in, taken out or cut off.
#[expect(
    clippy::too_many_lines,
    reason = "one file, from its header to its end"
)]
fn file(random: &mut Random, format: &Format) -> Vec<u8> {
    let delimiter = format.field_delimiter.clone().unwrap();
    let mut file = Vec::new();
    if random.one_in(8) {
        file.extend(b"\xef\xbb\xbf");
    }
    let line_end: &[u8] = random.of(&[b"\n".as_slice(), b"\n", b"\r\n", b"\r"]);
    for _ in 0..random.below(12) {
        let width = if random.one_in(20) {
            random.below(5)
        } else {
            3
        };
        for n in 0..width {
            if n > 0 {
                file.extend(&delimiter);
            }
            let text: &str = random.of(&[
                "",
                "7",
                "42",
                "-1.5",
                "a",
                "Zoë",
                " 12 ",
                "NULL",
                "\\N",
                "2026-01-02",
                "text of some length",
                "\\\\",
                "a\\tb",
                "x y",
            ]);
            match format.quote {
                Some(quote) if random.one_in(2) => {
                    let inner: &[u8] = random.of(&[
                        b"".as_slice(),
                        b"\n",
                        b"\r\n",
                        b",",
                        b"|",
                        b" ",
                        b"QQ",
                        b"QQQQ",
                        b"\\",
                    ]);
                    file.push(quote);
                    file.extend(text.as_bytes());
                    file.extend(inner.iter().map(|b| if *b == b'Q' { quote } else { *b }));
                    file.push(quote);
                    if format.trim_space && random.one_in(3) {
                        file.push(b' ');
                    }
                }
                _ => file.extend(text.as_bytes()),
            }
        }
        file.extend(line_end);
        if random.one_in(10) {
            file.extend(line_end);
        }
    }
    if random.one_in(4) {
        for _ in 0..random.below(3) {
            let at = random.below(file.len() + 1);
            file.insert(
                at,
                *random
                    .of(&[b"\"", b"'", b"\n", b"\r", b",", b"\\", b" ", b"\xff", b"\0"])
                    .first()
                    .unwrap(),
            );
        }
    }
    if random.one_in(4) {
        file.truncate(random.below(file.len() + 1));
    }
    file
}

/// The names of `A` to `C` in some order and case, one of them missing perhaps.
fn header(random: &mut Random, format: &Format) -> Vec<u8> {
    let delimiter = String::from_utf8(format.field_delimiter.clone().unwrap()).unwrap();
    let mark = random.of(&["", "\u{feff}"]);
    let names = random
        .of(&[
            ["A", "B", "C"],
            ["c", "A", "b"],
            ["B", "x", "C"],
            ["C", "", "a"],
        ]
        .map(|n| n.join(&delimiter))
        .each_ref()
        .map(String::as_str))
        .to_owned();
    let end = random.of(&["\n", "\r\n", "\r"]);
    let quoted = match format.quote.filter(|_| random.one_in(3)) {
        Some(quote) => format!("{0}more\nlines{0}{delimiter}", char::from(quote)),
        None => String::new(),
    };
    format!("{mark}{quoted}{names}{end}").into_bytes()
}

/// The rows of the exact reader; none, if there is a fault.
fn exactly(file: &[u8], format: &Format) -> Option<Vec<Row>> {
    let mut reader = Reader::new(file, format);
    let mut rows = Vec::new();
    while let Some(record) = reader.next_record() {
        record.ok()?;
        rows.push(reader.fields.clone());
    }
    Some(rows)
}

/// The rows with their numbers; an error, if they are for the exact reader. Pieces are so long.
fn quickly(
    file: &[u8],
    format: &Format,
    piece_bytes: usize,
) -> Result<Vec<(u64, Row)>, Box<dyn std::error::Error>> {
    let splitter = Splitter::of(format).unwrap();
    let bytes = std::io::Cursor::new(file.to_vec());
    let skip = Skip::Lines(format.skip_header);
    let mut pieces = Pieces::new(Box::new(bytes), skip).of_length(piece_bytes);
    let (mut rows, mut record) = (Vec::new(), Record::default());
    while let Some(mut piece) = pieces.next(&splitter)? {
        while splitter.next(&piece.bytes, &mut piece.at, piece.is_last, &mut record)? {
            let text = |column| record.text(&piece.bytes, column).map(<[u8]>::to_vec);
            rows.push((piece.row, (0..record.fields.len()).map(text).collect()));
            piece.row += 1;
        }
        if piece.row != piece.next_row {
            return Err("line ends that end no row".into());
        }
    }
    Ok(rows)
}

#[test]
fn what_is_split_fast_is_what_the_exact_reader_reads() {
    let (mut agreed, mut tried) = (0, 0);
    for seed in seeds(10_000) {
        let mut random = Random(seed);
        let options = options(&mut random);
        let format = Format::parse(&options).unwrap();
        let file = file(&mut random, &format);
        let piece_bytes = 1 + random.below(60);
        tried += 1;
        let Ok(quick) = quickly(&file, &format, piece_bytes) else {
            continue;
        };
        let exact = exactly(&file, &format).map(|rows| (1..).zip(rows).collect::<Vec<_>>());
        assert_eq!(
            Some(quick),
            exact,
            "FIRN_SEED={seed}: {options}, pieces of {piece_bytes}: {}",
            file.escape_ascii()
        );
        agreed += 1;
    }
    assert!(
        tried == 1 || agreed > tried / 3,
        "{agreed} of {tried} were split fast"
    );
}

struct World {
    store: Arc<MemoryStore>,
    session: Session,
}

impl World {
    fn new() -> Self {
        let store = Arc::new(MemoryStore::default());
        let engine = Engine::open(EngineOptions {
            object_store: Arc::clone(&store) as Arc<dyn ObjectStore>,
            ..EngineOptions::default()
        })
        .unwrap();
        let login = Login {
            user: "SNOWGLOBE".to_owned(),
            ..Login::default()
        };
        let mut world = Self {
            store,
            session: engine.session(login).unwrap(),
        };
        for sql in [
            "create database D",
            "use schema D.PUBLIC",
            "create stage S url = 's3://bucket/'",
        ] {
            world.rows(sql);
        }
        world
    }

    fn rows(&mut self, sql: &str) -> Vec<String> {
        let result = self.session.execute(sql, &Binds::default()).unwrap();
        result.rows.iter().map(|row| format!("{row:?}")).collect()
    }

    fn copy(&self, statement: &str) -> Copy {
        let (binds, variables) = (Binds::default(), Variables::new());
        let context = self.session.context(&binds, &variables);
        let lexemes = lex(statement).unwrap();
        Copy::parse(&context, &mut Cursor::new(statement, &lexemes)).unwrap()
    }

    /// Loads the file in the stage into a new `T`, fast or carefully. `None`, if it is not for the fast way.
    fn load(
        &mut self,
        columns: &str,
        statement: &str,
        is_fast: bool,
    ) -> Option<(String, Vec<String>)> {
        self.rows(&format!("create or replace table T {columns}"));
        let copy = self.copy(statement);
        let files = copy.new_files(&self.session, true).unwrap();
        let session = &mut self.session;
        let loads = if is_fast {
            fast::load(session, &copy, &files, 0, OnError::Continue, None).unwrap()
        } else {
            Some(
                load::carefully(
                    session,
                    &copy,
                    &files,
                    0,
                    (OnError::Continue, OnError::Abort),
                    None,
                )
                .unwrap(),
            )
        };
        let mut rows = self.rows("select * from T");
        rows.sort();
        match loads {
            None => {
                assert_eq!(
                    rows,
                    Vec::<String>::new(),
                    "the fast way has left something"
                );
                None
            }
            Some(loads) => Some((shown(&loads), rows)),
        }
    }
}

impl World {
    fn load_fast(&mut self, copy: &Copy, files: &[ObjectMeta]) -> Vec<Loaded> {
        let session = &mut self.session;
        let loads = fast::load(session, copy, files, 0, OnError::Continue, None);
        loads.unwrap().expect("the fast way")
    }
}

fn shown(loads: &[Loaded]) -> String {
    format!("{loads:?}")
}

#[test]
fn what_is_loaded_fast_is_what_the_careful_way_loads() {
    let mut world = World::new();
    let (mut agreed, mut tried) = (0, 0);
    for seed in seeds(400) {
        let mut random = Random(seed);
        let options = options(&mut random);
        let format = Format::parse(&options).unwrap();
        let mut file = file(&mut random, &format);
        let kinds = [
            "varchar",
            "varchar(3)",
            "number",
            "number(5, 1)",
            "date",
            "timestamp_ntz",
            "boolean",
            "varchar not null",
        ];
        let plain = format!(
            "(A varchar, B {}, C {})",
            random.of(&kinds),
            random.of(&kinds)
        );
        let mut by_name = "";
        let (columns, source) = if random.one_in(3) {
            (plain, "@S".to_owned())
        } else if format.skip_header == 0 && random.one_in(2) {
            by_name = random.of(&[
                "parse_header = true) match_by_column_name = case_sensitive",
                "parse_header = true) match_by_column_name = case_insensitive",
                "parse_header = true) match_by_column_name = case_insensitive include_metadata = (c = metadata$file_row_number, a = metadata$filename)",
            ]);
            file = [header(&mut random, &format), file].concat();
            (plain, "@S".to_owned())
        } else {
            let columns = "(A varchar, B varchar, N number, F varchar, L timestamp_ntz)".to_owned();
            (columns, "(select $1, reverse($3), metadata$file_row_number, metadata$filename, metadata$file_last_modified from @S)".to_owned())
        };
        let end = if by_name.is_empty() { ")" } else { by_name };
        let statement = format!("T from {source} file_format = (type = csv {options} {end}");
        world.store.put("bucket", "file.csv", &file).unwrap();
        tried += 1;
        let Some(quick) = world.load(&columns, &statement, true) else {
            continue;
        };
        let careful = world.load(&columns, &statement, false).unwrap();
        assert_eq!(
            quick,
            careful,
            "FIRN_SEED={seed}: {columns} {statement}: {}",
            file.escape_ascii()
        );
        agreed += 1;
    }
    assert!(
        tried == 1 || agreed > tried / 5,
        "{agreed} of {tried} were loaded fast"
    );
}

#[test]
fn a_long_file_goes_the_fast_way_packed_or_not_and_each_row_keeps_its_number() {
    let mut world = World::new();
    let mut file = String::from("n,name\n");
    for n in 1..=40_000 {
        file += &format!("{n},\"the \"\"{n:0150}\"\", in\nquotes\"\n");
    }
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut packed, file.as_bytes()).unwrap();
    for bytes in [file.into_bytes(), packed.finish().unwrap()] {
        world.store.put("bucket", "long.csv", &bytes).unwrap();
        world.rows("create or replace table T (N number, NAME varchar, R number)");
        let copy = world.copy(
            "T from (select $1, $2, metadata$file_row_number from @S) file_format = (type = csv skip_header = 1 field_optionally_enclosed_by = '\"' escape_unenclosed_field = none null_if = () skip_blank_lines = true)",
        );
        let files = copy.new_files(&world.session, true).unwrap();
        assert_eq!(world.load_fast(&copy, &files)[0].parsed, 40_000);
        let sound = "select count(*), min(R), max(R), count_if(N = R and NAME = 'the \"' || lpad(to_varchar(N), 150, '0') || '\", in\\nquotes') from T";
        assert_eq!(
            world.rows(sound),
            ["[Number(40000), Number(1), Number(40000), Number(40000)]"]
        );
        world.rows("truncate table T");
        let by_name = world.copy(
            "T from @S file_format = (type = csv parse_header = true error_on_column_count_mismatch = false field_optionally_enclosed_by = '\"' escape_unenclosed_field = none null_if = ()) match_by_column_name = case_insensitive include_metadata = (r = metadata$file_row_number)",
        );
        assert_eq!(world.load_fast(&by_name, &files)[0].parsed, 40_000);
        assert_eq!(
            world.rows(sound),
            ["[Number(40000), Number(1), Number(40000), Number(40000)]"]
        );
    }
}
