//! Files as they come and go.

use super::*;
use img_parts::ImageEXIF;
use img_parts::jpeg::Jpeg;
use std::task::{Context, Poll};
use tempfile::TempDir;

const LIMIT: u64 = 100_000;

fn open() -> (TempDir, Files) {
    let folder = tempfile::tempdir().unwrap();
    let files = Files::open(folder.path()).unwrap();
    (folder, files)
}

fn id(n: u128) -> FileId {
    format!("{n:032x}").parse().unwrap()
}

fn names(folder: &TempDir, part: &str) -> Vec<String> {
    let entries = std::fs::read_dir(folder.path().join(part)).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// A segment: marker, length, contents.
fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
    let length = u16::try_from(contents.len() + 2).unwrap().to_be_bytes();
    [&[0xFF, marker], &length[..], contents].concat()
}

/// A JPEG in form: EXIF that says "turned by 90°" and where, XMP, a comment, and one scan; behind its end something more.
fn photo() -> Vec<u8> {
    // TIFF, little-endian; one directory: orientation 6, and the maker's name, GPS-HERE.
    let mut tiff = b"II*\0\x08\0\0\0\x02\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0".to_vec();
    tiff.extend(b"\x0f\x01\x02\0\x09\0\0\0\x26\0\0\0\0\0\0\0GPS-HERE\0");
    let scan = [segment(0xDA, b"\x01\x01\0\0\x3f\0"), b"\x12\xff\0\x34\xff\xd0\x56".to_vec()].concat();
    [
        b"\xff\xd8".to_vec(),
        segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        segment(0xE1, &[b"Exif\0\0".to_vec(), tiff].concat()),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0XMP-HERE"),
        segment(0xFE, b"COMMENT-HERE"),
        scan,
        b"\xff\xd9".to_vec(),
        b"BEHIND-THE-END".to_vec(),
    ]
    .concat()
}

// covers: V01
#[tokio::test]
async fn a_file_is_kept_whole_under_its_type_and_its_plain_name() {
    let (_folder, files) = open();
    let bytes = [b"%PDF-1.7\n".to_vec(), vec![7; 90_000]].concat();
    let brought = files.take_in("ana", id(1), "C:\\docs\\fac\ntura.pdf", LIMIT, &mut &bytes[..]).await.unwrap();
    let expected =
        Attachment { id: id(1), name: "factura.pdf".into(), media_type: "application/pdf".into(), size: 90_009 };
    assert_eq!(brought, expected);
    assert!(!brought.is_inline());
    assert_eq!(files.keep("ana", id(1)).await.unwrap(), expected);
    assert_eq!(files.keep("ana", id(1)).await.unwrap(), expected, "kept twice");
    assert_eq!(std::fs::read(files.path(id(1))).unwrap(), bytes);
}

#[tokio::test]
async fn what_is_empty_too_large_or_breaks_off_leaves_nothing_behind() {
    struct Broken(usize);
    impl AsyncRead for Broken {
        fn poll_read(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut Context<'_>,
            buffer: &mut tokio::io::ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            self.0 += 1;
            if self.0 > 3 {
                return Poll::Ready(Err(io::Error::other("gone")));
            }
            buffer.put_slice(b"half of it");
            Poll::Ready(Ok(()))
        }
    }
    let (folder, files) = open();
    let large = vec![1; 100_001];
    let empty = files.take_in("ana", id(1), "a", LIMIT, &mut &b""[..]).await;
    assert!(matches!(empty, Err(FileError::Empty)), "{empty:?}");
    let large = files.take_in("ana", id(2), "a", LIMIT, &mut &large[..]).await;
    assert!(matches!(large, Err(FileError::TooLarge { limit: LIMIT })), "{large:?}");
    let broken = files.take_in("ana", id(3), "a", LIMIT, &mut Broken(0)).await;
    assert!(matches!(broken, Err(FileError::Interrupted(_))), "{broken:?}");
    assert_eq!(names(&folder, "incoming"), Vec::<String>::new());
}

#[tokio::test]
async fn nobody_can_send_the_file_of_somebody_else() {
    let (_folder, files) = open();
    files.take_in("ana", id(1), "a.txt", LIMIT, &mut &b"hers"[..]).await.unwrap();
    for (who, what) in [("rui", id(1)), ("ana", id(2))] {
        assert!(matches!(files.keep(who, what).await, Err(FileError::Unknown)), "{who}");
    }
    files.keep("ana", id(1)).await.unwrap();
    assert!(matches!(files.keep("rui", id(1)).await, Err(FileError::Unknown)), "and not when it is kept");
}

#[tokio::test]
async fn a_move_that_a_crash_cut_in_two_is_finished() {
    let (folder, files) = open();
    let brought = files.take_in("ana", id(1), "a.txt", LIMIT, &mut &b"hers"[..]).await.unwrap();
    let name = id(1).to_string();
    std::fs::rename(folder.path().join("incoming").join(&name), folder.path().join("kept").join(&name)).unwrap();
    assert_eq!(files.keep("ana", id(1)).await.unwrap(), brought);
    assert_eq!(names(&folder, "incoming"), Vec::<String>::new());
}

#[tokio::test]
async fn a_photo_loses_place_and_notes_and_stays_the_right_way_up() {
    let (_folder, files) = open();
    let photo = photo();
    let brought = files.take_in("ana", id(1), "yo.jpg", LIMIT, &mut &photo[..]).await.unwrap();
    assert_eq!(brought.media_type, "image/jpeg");
    assert!(brought.is_inline());
    files.keep("ana", id(1)).await.unwrap();
    let cleaned = std::fs::read(files.path(id(1))).unwrap();
    assert_eq!(brought.size, cleaned.len() as u64);
    let text = String::from_utf8_lossy(&cleaned);
    for secret in ["GPS-HERE", "XMP-HERE", "COMMENT-HERE", "BEHIND-THE-END"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains("JFIF"));
    assert!(cleaned.ends_with(b"\x12\xff\0\x34\xff\xd0\x56\xff\xd9"), "the picture itself");
    let exif = Jpeg::from_bytes(cleaned.into()).unwrap().exif().unwrap();
    let exif = exif::Reader::new().read_raw(exif.to_vec()).unwrap();
    let turned = exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY).unwrap();
    assert_eq!((turned.value.get_uint(0), exif.fields().count()), (Some(6), 1));
}

#[tokio::test]
async fn what_only_looks_like_a_picture_is_a_file_to_save() {
    let (_folder, files) = open();
    let html = files.take_in("ana", id(1), "a.png", LIMIT, &mut &b"<!DOCTYPE html><script>"[..]).await.unwrap();
    let torn = files.take_in("ana", id(2), "a.jpg", LIMIT, &mut &b"\xff\xd8\xff\xe0\xff\xffJFIF"[..]).await.unwrap();
    assert!(!html.is_inline() && !torn.is_inline(), "{html:?} {torn:?}");
}

#[tokio::test]
async fn what_no_message_carried_is_forgotten_and_the_rest_is_not() {
    let (folder, files) = open();
    for n in [1, 2] {
        files.take_in("ana", id(n), "a.txt", LIMIT, &mut &b"x"[..]).await.unwrap();
    }
    files.keep("ana", id(1)).await.unwrap();
    for name in names(&folder, "incoming") {
        let file = std::fs::File::options().write(true).open(folder.path().join("incoming").join(name)).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(100)).unwrap();
    }
    assert_eq!(files.forget(Timestamp(101_000_000), Duration::from_secs(1)).await.unwrap(), 0, "too young");
    assert_eq!(files.forget(Timestamp(101_000_001), Duration::from_secs(1)).await.unwrap(), 1);
    assert_eq!(names(&folder, "incoming"), Vec::<String>::new());
    assert!(files.path(id(1)).exists());
}
