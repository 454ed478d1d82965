//! Pictures without what cameras and programs write into them: where and when they were taken, by whom, with what.

use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::Png;
use img_parts::webp::WebP;
use img_parts::{Bytes, ImageEXIF};
use std::fs::File;
use std::io;
use std::path::Path;

/// Whether pictures of this media type can be cleaned.
pub(super) fn knows(media_type: &str) -> bool {
    matches!(media_type, "image/jpeg" | "image/png" | "image/webp")
}

/// Cleans the picture in a file, which is not encoded anew; its new size, or none where it cannot be read as a picture.
pub(super) fn picture(media_type: &str, path: &Path) -> io::Result<Option<u64>> {
    let bytes = Bytes::from(std::fs::read(path)?);
    let write = |encode: &dyn Fn(&mut File) -> io::Result<u64>| -> io::Result<Option<u64>> {
        let mut file = File::create(path)?;
        let size = encode(&mut file)?;
        file.sync_all()?;
        Ok(Some(size))
    };
    match media_type {
        "image/jpeg" => match jpeg(&bytes) {
            Some(jpeg) => write(&|file| jpeg.clone().encoder().write_to(file)),
            None => Ok(None),
        },
        "image/png" => match Png::from_bytes(bytes) {
            Ok(mut png) => {
                let notes = |kind: [u8; 4]| matches!(&kind, b"eXIf" | b"tEXt" | b"zTXt" | b"iTXt" | b"tIME");
                png.chunks_mut().retain(|chunk| !notes(chunk.kind()));
                write(&|file| png.clone().encoder().write_to(file))
            }
            Err(_) => Ok(None),
        },
        "image/webp" => match WebP::from_bytes(bytes) {
            Ok(mut webp) => {
                webp.set_exif(None);
                webp.remove_chunks_by_id(*b"XMP ");
                write(&|file| webp.clone().encoder().write_to(file))
            }
            Err(_) => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Only what a picture needs to be drawn stays, colours included, and which way is up.
fn jpeg(bytes: &Bytes) -> Option<Jpeg> {
    // Some cameras append a second picture with notes of its own.
    let end = end(bytes).unwrap_or(bytes.len());
    let mut jpeg = Jpeg::from_bytes(bytes.slice(..end)).ok()?;
    let turned = jpeg.exif().and_then(|exif| orientation(exif.to_vec()));
    let needed = |segment: &JpegSegment| match segment.marker() {
        markers::APP2 => segment.contents().starts_with(b"ICC_PROFILE\0"),
        markers::APP0 | markers::APP14 => true,
        marker => !(markers::APP1..=markers::APP15).contains(&marker) && marker != markers::COM,
    };
    jpeg.segments_mut().retain(needed);
    jpeg.set_exif(turned.map(minimal_exif));
    Some(jpeg)
}

/// Which way is up, where the camera was not held upright (EXIF 2.32, tag 0x0112).
fn orientation(exif: Vec<u8>) -> Option<u8> {
    let exif = exif::Reader::new().read_raw(exif).ok()?;
    let field = exif.get_field(exif::Tag::Orientation, exif::In::PRIMARY)?;
    u8::try_from(field.value.get_uint(0)?).ok().filter(|way| (2..=8).contains(way))
}

/// A TIFF header and one directory with one entry: the orientation, a 16-bit number, little-endian.
fn minimal_exif(orientation: u8) -> Bytes {
    let mut tiff = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    tiff[18] = orientation;
    tiff.into()
}

/// Where a JPEG ends: after its end-of-image marker, found by walking from segment to segment.
fn end(bytes: &[u8]) -> Option<usize> {
    let mut at = 2;
    loop {
        // Between segments, and inside a scan, a marker is 0xFF and neither a stuffed zero, a restart nor a fill byte.
        while bytes.get(at)? != &0xFF || matches!(bytes.get(at + 1)?, 0x00 | 0xD0..=0xD7 | 0xFF) {
            at += 1;
        }
        if bytes[at + 1] == markers::EOI {
            return Some(at + 2);
        }
        let length = u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]);
        at += 2 + usize::from(length);
    }
}
