//! The tests that go through all layers: every format × whole, cut, flipped, doubled; archives in archives; bombs.

use std::io::{Cursor, Read, Write};
use std::ops::ControlFlow;

use zip::write::SimpleFileOptions;

use super::decompress::Format;
use super::{Alone, Limits, Problem, Source, SourceName, Status, Visitor, read_stream};
use crate::timestamp::Timestamp;

/// Takes down everything that it is told, reading in pieces of `step` bytes.
struct Notes {
    step: usize,
    sources: Vec<Seen>,
    problems: Vec<Problem>,
    stop_after: usize,
}

#[derive(Debug, PartialEq)]
struct Seen {
    source: Source,
    bytes: Vec<u8>,
    error: Option<String>,
}

impl Visitor for Notes {
    fn source(&mut self, source: &Source, bytes: &mut dyn Read) -> ControlFlow<()> {
        let mut seen = Seen { source: source.clone(), bytes: Vec::new(), error: None };
        let mut piece = vec![0; self.step];
        loop {
            match bytes.read(&mut piece) {
                Ok(0) => break,
                Ok(count) => seen.bytes.extend_from_slice(&piece[..count]),
                Err(error) => {
                    seen.error = Some(error.to_string());
                    break;
                }
            }
        }
        self.sources.push(seen);
        if self.sources.len() == self.stop_after {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) -> ControlFlow<()> {
        self.problems.push(problem);
        ControlFlow::Continue(())
    }
}

impl Notes {
    fn names(&self) -> Vec<&str> {
        self.sources.iter().map(|seen| seen.source.name.as_str()).collect()
    }

    fn reasons(&self) -> Vec<&str> {
        self.problems.iter().map(|problem| problem.reason.as_str()).collect()
    }
}

fn look_in_steps(bytes: &[u8], limits: &Limits, step: usize) -> Notes {
    let mut notes = Notes { step, sources: Vec::new(), problems: Vec::new(), stop_after: usize::MAX };
    let source =
        Source { name: SourceName::from("in"), modified: Some(Timestamp::from_seconds(7)), start: 0 };
    let _ = read_stream(source, &mut &*bytes, limits, &Alone, &|_| {}, &mut notes);
    notes
}

fn look(bytes: &[u8]) -> Notes {
    look_in_steps(bytes, &Limits::default(), 1 << 16)
}

/// Lines that compress about as logs do.
fn log(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::new();
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let line = format!("2026-06-12T01:00:{:02}Z INFO request={state:016x} status=401\n", state % 60);
        bytes.extend_from_slice(line.as_bytes());
    }
    bytes.truncate(length);
    bytes
}

fn encode(format: Format, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        Format::Gzip => {
            let mut writer = flate2::write::GzEncoder::new(&mut out, flate2::Compression::default());
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        Format::Zstd => {
            let mut writer = zstd::Encoder::new(&mut out, 3).unwrap();
            writer.include_checksum(true).unwrap();
            writer.set_pledged_src_size(Some(data.len() as u64)).unwrap();
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        Format::Bzip2 => {
            let mut writer = bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast());
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        Format::Xz => {
            let mut writer = liblzma::write::XzEncoder::new(&mut out, 1);
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
        Format::Lz4 => {
            let info = lz4_flex::frame::FrameInfo::new().content_checksum(true);
            let mut writer = lz4_flex::frame::FrameEncoder::with_frame_info(info, &mut out);
            writer.write_all(data).unwrap();
            writer.finish().unwrap();
        }
    }
    out
}

fn tar_of(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, data) in members {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(data.len() as u64);
        header.set_mtime(1_781_226_000);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *data).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip_of(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, data) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// As `zip -` and everything else that cannot go back writes it: with descriptors behind the data.
fn piped_zip_of(members: &[(&str, &[u8])], method: zip::CompressionMethod) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = zip::ZipWriter::new_stream(&mut out);
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, data) in members {
        writer.start_file(*name, options).unwrap();
        writer.write_all(data).unwrap();
    }
    writer.finish().unwrap();
    out
}

/// Some forty places in `length` bytes: all near the ends, the others spread.
fn places(length: usize) -> Vec<usize> {
    let spread = (1..24).map(|part| length * part / 24);
    let mut places: Vec<usize> = (10..20).chain(spread).chain(length - 16..length).collect();
    places.retain(|place| (10..length).contains(place));
    places
}

#[test]
fn every_format_gives_its_bytes_in_pieces_of_any_size() {
    let data = log(300_000);
    for format in Format::ALL {
        for step in [1, 2, 7, 4096, 1 << 20] {
            let notes = look_in_steps(&encode(format, &data), &Limits::default(), step);
            assert_eq!(notes.sources.len(), 1);
            assert_eq!(notes.sources[0].error, None, "{format:?}");
            assert!(notes.sources[0].bytes == data, "{format:?} in steps of {step}");
            assert_eq!(notes.names(), ["in"]);
            assert_eq!(notes.sources[0].source.modified, Some(Timestamp::from_seconds(7)));
        }
    }
}

#[test]
fn all_members_of_a_concatenated_stream_are_read_and_padding_is_no_damage() {
    let data = log(50_000);
    for format in Format::ALL {
        let mut stream = encode(format, &data[..20_000]);
        stream.extend(encode(format, b""));
        stream.extend(encode(format, &data[20_000..]));
        stream.extend([0; 512]);
        let notes = look(&stream);
        assert_eq!(notes.sources[0].error, None, "{format:?}");
        assert!(notes.sources[0].bytes == data, "{format:?}");
    }
}

#[test]
fn garbage_behind_the_last_member_is_said_and_costs_nothing() {
    let data = log(5_000);
    for format in Format::ALL {
        let mut stream = encode(format, &data);
        stream.extend(b"\0\0not a member at all");
        let notes = look(&stream);
        let expected = format!("21 bytes behind the last {} member belong to none", format.name());
        assert_eq!(notes.sources[0].error, Some(expected));
        assert!(notes.sources[0].bytes == data, "{format:?}");
    }
}

#[test]
fn a_cut_stream_gives_what_could_be_read_and_says_that_it_was_cut() {
    let data = log(400_000);
    for format in Format::ALL {
        let whole = encode(format, &data);
        let mut most = 0;
        for cut in places(whole.len()) {
            let notes = look(&whole[..cut]);
            let seen = &notes.sources[0];
            assert_eq!(seen.error, Some(format!("{} stream ends early", format.name())), "cut at {cut}");
            assert!(data.starts_with(&seen.bytes), "{format:?} cut at {cut}");
            most = most.max(seen.bytes.len());
        }
        assert_eq!(most, data.len(), "{format:?}: only the checksum is missing");
    }
}

#[test]
fn a_stream_cut_in_the_middle_loses_no_more_than_a_block() {
    let data = log(2_000_000);
    let blocks = [1_000, 140_000, 110_000, 400_000, 4_200_000];
    for (format, block) in Format::ALL.into_iter().zip(blocks) {
        let whole = encode(format, &data);
        let seen = look(&whole[..whole.len() / 2]).sources.remove(0).bytes.len();
        assert!(seen + block > data.len() / 2 - 20_000, "{format:?} gave {seen}");
    }
}

#[test]
fn a_cut_between_members_is_the_clean_end_of_a_shorter_stream() {
    let data = log(10_000);
    for format in Format::ALL {
        let mut stream = encode(format, &data);
        let cut = stream.len();
        stream.extend(encode(format, b"more"));
        let notes = look(&stream[..cut]);
        assert_eq!((notes.sources[0].error.as_deref(), notes.sources[0].bytes.len()), (None, 10_000));
    }
}

#[test]
fn a_flipped_bit_is_an_error_and_what_came_before_it_is_kept() {
    let data = log(400_000);
    for format in Format::ALL {
        let whole = encode(format, &data);
        let mut kept = 0;
        for place in places(whole.len()) {
            let mut damaged = whole.clone();
            damaged[place] ^= 0x10;
            let notes = look(&damaged);
            let seen = &notes.sources[0];
            // A gzip header has parts that mean nothing to the data.
            let harmless = seen.error.is_none() && seen.bytes == data;
            let allowed = format == Format::Gzip && place < 10;
            assert!(seen.error.is_some() || allowed && harmless, "{format:?} flipped at {place}");
            if place > whole.len() / 2 && place < whole.len() - 20 {
                let same = data.iter().zip(&seen.bytes).take_while(|(a, b)| a == b).count();
                kept = kept.max(same);
            }
        }
        assert!(kept > 150_000 || format == Format::Lz4, "{format:?} kept {kept}");
    }
}

#[test]
fn skippable_frames_are_skipped() {
    let frame = b"\x5a\x2a\x4d\x18\x05\0\0\0hello";
    let stream = [&frame[..], &encode(Format::Zstd, b"one"), frame, &encode(Format::Zstd, b"two")].concat();
    assert_eq!(look(&stream).sources[0].bytes, b"onetwo");
    let stream = [&encode(Format::Lz4, b"one")[..], frame, &encode(Format::Lz4, b"two"), frame].concat();
    let notes = look(&stream);
    assert_eq!((&notes.sources[0].bytes[..], &notes.sources[0].error), (&b"onetwo"[..], &None));
    let notes = look(&stream[..stream.len() - 1]);
    assert_eq!(notes.sources[0].error.as_deref(), Some("lz4 stream ends early"));
}

#[test]
fn a_window_that_asks_for_too_much_memory_is_refused() {
    let mut writer = zstd::Encoder::new(Vec::new(), 1).unwrap();
    writer.window_log(28).unwrap();
    writer.write_all(b"small").unwrap();
    let notes = look(&writer.finish().unwrap());
    let error = notes.sources[0].error.as_deref().unwrap();
    assert!(error.contains("needs more than 128 MiB"), "{error}");
}

#[test]
fn empty_and_tiny_inputs_are_plain_sources() {
    for bytes in [&b""[..], b"\n", b"\x1f\x8b", b"P"] {
        let notes = look(bytes);
        assert_eq!((&notes.sources[0].bytes[..], notes.problems.len()), (bytes, 0));
    }
}

#[test]
fn a_byte_order_mark_is_dropped_and_utf_16_becomes_utf_8() {
    let notes = look(b"\xef\xbb\xbfline\n");
    assert_eq!((&notes.sources[0].bytes[..], notes.sources[0].source.start), (&b"line\n"[..], 3));
    let text = "zeile ü\r\n";
    let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(look(&[b"\xff\xfe", &little[..]].concat()).sources[0].bytes, text.as_bytes());
    let gz = encode(Format::Gzip, &[b"\xfe\xff", &big[..]].concat());
    assert_eq!(look(&gz).sources[0].bytes, text.as_bytes());
    let cut = look(&gz[..gz.len() - 9]);
    assert!(cut.sources[0].error.is_some());
}

#[test]
fn members_of_a_tar_are_named_behind_it_inside_any_compression() {
    let tar = tar_of(&[("./var/a.log", b"aaa"), ("var/empty.log", b""), ("var/b.log", &log(100_000))]);
    for stream in Format::ALL.map(|format| encode(format, &tar)).into_iter().chain([tar]) {
        let notes = look(&stream);
        assert_eq!(notes.names(), ["in!var/a.log", "in!var/empty.log", "in!var/b.log"]);
        assert_eq!(notes.sources[0].bytes, b"aaa");
        assert_eq!(notes.sources[0].source.modified, Some(Timestamp::from_seconds(1_781_226_000)));
        assert!(notes.sources[2].bytes == log(100_000));
        assert_eq!(notes.problems, []);
    }
}

#[test]
fn long_names_pax_records_directories_and_links_in_a_tar() {
    let long = format!("{}/app.log", "d".repeat(180));
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_size(2);
    builder.append_data(&mut header, &long, &b"hi"[..]).unwrap();
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(::tar::EntryType::Directory);
    header.set_size(0);
    builder.append_data(&mut header, "dir/", &b""[..]).unwrap();
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(::tar::EntryType::Symlink);
    header.set_size(0);
    builder.append_link(&mut header, "link", "target").unwrap();
    builder.append_pax_extensions([("path", &b"caf\xc3\xa9.log"[..]), ("mtime", b"1781226000.25")]).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(3);
    builder.append_data(&mut header, "short", &b"pax"[..]).unwrap();
    let notes = look(&builder.into_inner().unwrap());
    assert_eq!(notes.names(), [format!("in!{long}"), "in!café.log".to_owned()]);
    assert_eq!(notes.sources[1].source.modified, Some(Timestamp::from_millis(1_781_226_000_250)));
    assert_eq!((notes.sources[1].bytes.as_slice(), notes.problems.len()), (&b"pax"[..], 0));
}

#[test]
fn a_sparse_member_of_a_tar_has_its_holes() {
    let mut header = ::tar::Header::new_gnu();
    header.set_path("core").unwrap();
    header.set_entry_type(::tar::EntryType::GNUSparse);
    header.set_size(6);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.sparse[0].set_offset(2);
    gnu.sparse[0].set_length(3);
    gnu.sparse[1].set_offset(1000);
    gnu.sparse[1].set_length(3);
    gnu.set_real_size(1005);
    header.set_cksum();
    let tar = [&header.as_bytes()[..], b"abcdef", &[0; 506 + 1024]].concat();
    let notes = look(&tar);
    let expected = [&b"\0\0abc"[..], &[0; 995], b"def", b"\0\0"].concat();
    assert_eq!((notes.problems, &notes.sources[0].bytes), (vec![], &expected));
}

#[test]
fn a_tar_of_1979_without_a_mark_is_known_by_its_checksum() {
    let mut header = ::tar::Header::new_old();
    header.set_path("old.log").unwrap();
    header.set_size(3);
    header.set_mtime(0);
    header.set_mode(0o644);
    header.set_cksum();
    let notes = look(&[&header.as_bytes()[..], b"old", &[0; 509 + 1024]].concat());
    assert_eq!((notes.names(), notes.problems.len()), (vec!["in!old.log"], 0));
    assert_eq!(notes.sources[0].source.modified, None);
}

#[test]
fn a_tar_cut_anywhere_is_said_to_be_cut() {
    let tar = tar_of(&[("a", b"aaa"), ("b", &log(700)), ("c", b"c")]);
    for cut in (263..tar.len() - 1024).step_by(61).chain([512, 1024, 1536, 2048]) {
        let notes = look(&tar[..cut]);
        assert_eq!(notes.problems.len(), 1, "cut at {cut}");
        assert_eq!(notes.problems[0].name.as_str(), "in");
        assert_eq!(notes.problems[0].status, Status::Partial);
        for seen in &notes.sources {
            let short = seen.source.name.as_str() == "in!b" && seen.bytes != log(700);
            assert_eq!(seen.error.is_some(), short || seen.bytes.is_empty(), "cut at {cut}");
        }
    }
}

#[test]
fn a_damaged_header_in_a_tar_costs_one_member() {
    let mut tar = tar_of(&[("a", b"aaa"), ("b", b"bbb"), ("c", b"ccc")]);
    tar[1024 + 5] ^= 1;
    let notes = look(&tar);
    assert_eq!(notes.names(), ["in!a", "in!c"]);
    assert_eq!(notes.reasons(), ["damaged tar header; looking for the next one"]);
    assert_eq!(notes.problems[0].offset, Some(1024));
}

#[test]
fn concatenated_tars_and_a_name_that_comes_twice() {
    let tar = [tar_of(&[("a", b"1")]), tar_of(&[("a", b"2")])].concat();
    let notes = look(&tar);
    assert_eq!((notes.names(), notes.problems.len()), (vec!["in!a", "in!a#2"], 0));
}

#[test]
fn a_cut_tar_gz_names_the_member_and_the_archive() {
    let gz = encode(Format::Gzip, &tar_of(&[("a", b"aaa"), ("b", &log(300_000))]));
    let notes = look(&gz[..gz.len() / 2]);
    assert_eq!(notes.names(), ["in!a", "in!b"]);
    assert!(!notes.sources[1].bytes.is_empty() && log(300_000).starts_with(&notes.sources[1].bytes));
    assert_eq!(notes.sources[1].error.as_deref(), Some("gzip stream ends early"));
    assert_eq!(notes.reasons(), ["gzip stream ends early"]);
    // Even the checksum behind the last member counts.
    let notes = look(&gz[..gz.len() - 1]);
    assert!(notes.sources.iter().all(|seen| seen.error.is_none()));
    assert_eq!(notes.reasons(), ["gzip stream ends early"]);
}

#[test]
fn zips_of_every_method_are_read_from_files_and_pipes() {
    use zip::CompressionMethod as Method;
    let data = log(200_000);
    let members = [("logs/a.log", &data[..]), ("empty", b""), ("b.log", b"short")];
    for method in [Method::Stored, Method::Deflated, Method::Bzip2, Method::Zstd, Method::Xz] {
        for zip in [zip_of(&members, method), piped_zip_of(&members, method)] {
            for step in [1, 5, 1 << 16] {
                let notes = look_in_steps(&zip, &Limits::default(), step);
                assert_eq!(notes.problems, [], "{method:?}");
                assert_eq!(notes.names(), ["in!logs/a.log", "in!empty", "in!b.log"]);
                for (seen, (_, expected)) in notes.sources.iter().zip(members) {
                    assert_eq!(seen.error, None, "{method:?} {}", seen.source.name);
                    assert!(seen.bytes == expected, "{method:?} {}", seen.source.name);
                }
            }
        }
    }
}

#[test]
fn a_stored_member_of_unknown_length_may_hold_a_zip() {
    use zip::CompressionMethod as Method;
    let inner = piped_zip_of(&[("x.log", b"inner"), ("y.log", b"")], Method::Stored);
    let outer = piped_zip_of(&[("inner.zip", &inner), ("z.log", b"outer")], Method::Stored);
    let notes = look(&outer);
    assert_eq!(notes.names(), ["in!inner.zip!x.log", "in!inner.zip!y.log", "in!z.log"]);
    assert_eq!(notes.problems, []);
}

#[test]
fn a_zip_cut_anywhere_gives_the_members_before_the_cut() {
    let data = log(5_000);
    let members = [("a", &b"first"[..]), ("b", &data[..]), ("c", b"third")];
    for zip in [
        zip_of(&members, zip::CompressionMethod::Deflated),
        piped_zip_of(&members, zip::CompressionMethod::Stored),
    ] {
        let directory = memchr::memmem::find(&zip, b"PK\x01\x02").unwrap();
        for cut in (4..=directory).step_by(37) {
            let notes = look(&zip[..cut]);
            assert!(!notes.problems.is_empty(), "cut at {cut} of {directory}");
            assert!(notes.problems.iter().all(|problem| problem.status == Status::Partial));
            for (seen, (_, expected)) in notes.sources.iter().zip(members) {
                assert!(expected.starts_with(&seen.bytes));
                assert!(seen.error.is_some() || seen.bytes == expected, "cut at {cut}");
            }
        }
        assert!(look(&zip[..directory + 4]).problems.is_empty());
    }
}

#[test]
fn a_damaged_member_of_a_zip_does_not_cost_the_next() {
    let data = log(5_000);
    let members = [("a", &data[..]), ("b", &b"second"[..])];
    for zip in [
        zip_of(&members, zip::CompressionMethod::Deflated),
        piped_zip_of(&members, zip::CompressionMethod::Deflated),
    ] {
        for place in (60..900).step_by(20) {
            let mut damaged = zip.clone();
            damaged[place] ^= 0x10;
            let notes = look(&damaged);
            assert!(notes.sources[0].error.is_some(), "flipped at {place}");
            assert_eq!(notes.names(), ["in!a", "in!b"], "flipped at {place}");
            assert_eq!((&notes.sources[1].bytes[..], &notes.sources[1].error), (&b"second"[..], &None));
        }
    }
}

#[test]
fn an_encrypted_or_unknown_member_of_a_zip_is_unreadable_and_the_next_is_read() {
    let mut zip = zip_of(&[("a", b"aaaa"), ("b", b"b")], zip::CompressionMethod::Stored);
    zip[6] |= 1;
    let notes = look(&zip);
    assert_eq!((notes.names(), notes.reasons()), (vec!["in!b"], vec!["encrypted"]));
    assert_eq!((notes.problems[0].name.as_str(), notes.problems[0].status), ("in!a", Status::Unreadable));
    zip[6] = 0;
    zip[8] = 9;
    let notes = look(&zip);
    assert_eq!(notes.reasons(), ["compressed by zip method 9 (deflate64), which is not supported"]);
    assert_eq!(notes.names(), ["in!b"]);
}

#[test]
fn archives_in_archives_are_seen_through() {
    let tar = tar_of(&[("app.log", b"deep")]);
    let gz = encode(Format::Gzip, &tar);
    let zip = zip_of(&[("x/bundle.tgz", &gz)], zip::CompressionMethod::Stored);
    let outer = encode(Format::Zstd, &tar_of(&[("today.zip", &zip), ("after.log", b"after")]));
    let notes = look(&outer);
    assert_eq!(notes.names(), ["in!today.zip!x/bundle.tgz!app.log", "in!after.log"]);
    assert_eq!((&notes.sources[0].bytes[..], notes.problems.len()), (&b"deep"[..], 0));
}

#[test]
fn an_empty_zip_holds_nothing() {
    let notes = look(&zip_of(&[], zip::CompressionMethod::Stored));
    assert_eq!((notes.sources, notes.problems), (vec![], vec![]));
}

#[test]
fn too_many_layers_are_not_opened() {
    let mut bytes = b"deep".to_vec();
    for _ in 0..8 {
        bytes = encode(Format::Gzip, &bytes);
    }
    assert_eq!(look(&bytes).sources[0].bytes, b"deep");
    let notes = look(&encode(Format::Gzip, &bytes));
    assert!(notes.sources.is_empty());
    assert_eq!(notes.problems[0].status, Status::Skipped);
    assert!(notes.reasons()[0].contains("lies in 8 layers"));
}

#[test]
fn a_bomb_is_cut_where_it_expands_too_much() {
    let limits = Limits { free_expansion: 100_000, max_ratio: 10, ..Limits::default() };
    for format in Format::ALL {
        let bomb = encode(format, &vec![b'a'; 8 << 20]);
        let notes = look_in_steps(&bomb, &limits, 4096);
        assert!(notes.sources[0].error.as_deref().unwrap().contains("archive bomb"), "{format:?}");
        let read = notes.sources[0].bytes.len();
        assert!((90_000..600_000 + 10 * bomb.len()).contains(&read), "{format:?} gave {read}");
    }
    // What an honest log expands to is let through.
    let data = log(400_000);
    let notes = look_in_steps(&encode(Format::Xz, &data), &limits, 4096);
    assert_eq!((notes.sources[0].bytes.len(), &notes.sources[0].error), (data.len(), &None));
}

#[test]
fn a_bomb_in_an_archive_is_named_with_it() {
    let limits = Limits { free_expansion: 1 << 20, max_ratio: 10, ..Limits::default() };
    let zip = zip_of(&[("a", b"a"), ("zeros", &[0; 4 << 20]), ("z", b"z")], zip::CompressionMethod::Deflated);
    let notes = look_in_steps(&zip, &limits, 4096);
    assert_eq!(notes.names()[..2], ["in!a", "in!zeros"]);
    assert!(notes.sources[1].error.as_deref().unwrap().contains("archive bomb"));
}

#[test]
fn the_number_of_members_is_limited() {
    let limits = Limits { max_members: 2, ..Limits::default() };
    let members = [("a", &b"a"[..]), ("b", b"b"), ("c", b"c")];
    for archive in [tar_of(&members), zip_of(&members, zip::CompressionMethod::Stored)] {
        let notes = look_in_steps(&archive, &limits, 10);
        assert_eq!(notes.names(), ["in!a", "in!b"]);
        assert_eq!(notes.reasons(), ["more than 2 members; the rest is not read"]);
    }
}

#[test]
fn a_visitor_can_stop_an_input() {
    let tar = tar_of(&[("a", b"a"), ("b", b"b")]);
    let mut notes = Notes { step: 10, sources: Vec::new(), problems: Vec::new(), stop_after: 1 };
    let source = Source { name: SourceName::from("in"), modified: None, start: 0 };
    let flow = read_stream(source, &mut &tar[..], &Limits::default(), &Alone, &|_| {}, &mut notes);
    assert_eq!((flow, notes.names()), (ControlFlow::Break(()), vec!["in!a"]));
}

#[test]
fn progress_adds_up_to_the_bytes_of_the_input() {
    let gz = encode(Format::Gzip, &log(500_000));
    let told = std::cell::Cell::new(0);
    let mut notes = Notes { step: 100, sources: Vec::new(), problems: Vec::new(), stop_after: usize::MAX };
    let source = Source { name: SourceName::from("in"), modified: None, start: 0 };
    let progress = |count| told.set(told.get() + count);
    let _ = read_stream(source, &mut &gz[..], &Limits::default(), &Alone, &progress, &mut notes);
    assert_eq!(told.get(), gz.len() as u64);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(256))]

    /// Whatever follows a magic, and whatever is broken: an end, and no panic.
    #[test]
    fn no_bytes_make_it_panic(which in 0..8_usize, noise in proptest::collection::vec(0..=255_u8, 0..600)) {
        let magics: [&[u8]; 8] = [
            b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"BZh91AY&SY", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18",
            b"PK\x03\x04", b"\x50\x2a\x4d\x18", b"\xff\xfe",
        ];
        let _ = look(&[magics[which], &noise].concat());
    }

    #[test]
    fn damage_to_an_archive_never_panics(
        piped: bool,
        flips in proptest::collection::vec((0..4000_usize, 0..=255_u8), 1..6),
    ) {
        let members = [("a", &b"first"[..]), ("b", b"second, and a little longer")];
        let mut archive = if piped {
            piped_zip_of(&members, zip::CompressionMethod::Deflated)
        } else {
            tar_of(&members)
        };
        let length = archive.len();
        for (place, value) in flips {
            archive[place % length] = value;
        }
        let _ = look(&archive);
    }
}
