//! Check digits: what tells a card or an identity number from any other run of digits.

use std::ops::Range;

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// A payment card among groups of digits. Where several runs of groups could be one, it is the one that is written as
/// cards are.
pub(super) fn card_in(text: &str) -> Option<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_numeric()) {
        match groups.last_mut() {
            Some(group) if group.end == at => group.end = at + c.len_utf8(),
            _ => groups.push(at..at + c.len_utf8()),
        }
    }
    let runs = (0..groups.len()).flat_map(|first| (first..groups.len()).map(move |last| (first, last)));
    let cards = runs.filter(|(first, last)| card(&text[groups[*first].start..groups[*last].end]));
    let usual = |(first, last): &(usize, usize)| {
        let lengths: Vec<usize> = groups[*first..=*last].iter().map(|group| group.end - group.start).collect();
        matches!(lengths.as_slice(), [_] | [4, 4, 4, 4] | [4, 6, 4 | 5] | [4, 4, 4, 4, 1..=3])
    };
    let (first, last) = cards.min_by_key(|run| (!usual(run), run.0))?;
    Some(groups[first].start..groups[last].end)
}

/// An IBAN at the beginning of a text that may go on.
pub(super) fn iban_in(text: &str) -> Option<Range<usize>> {
    let alphanumeric = |at: usize| text[at..].chars().next().is_some_and(char::is_alphanumeric);
    let ends = (1..=text.len()).rev().filter(|end| text.is_char_boundary(*end));
    ends.filter(|end| alphanumeric(end - 1) && !alphanumeric(*end)).find(|end| iban(&text[..*end])).map(|end| 0..end)
}

/// A payment card (Luhn).
fn card(text: &str) -> bool {
    let digits = digits(text);
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(n, digit)| match (n % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

/// An IBAN (ISO 13616, mod 97).
fn iban(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    if !(15..=34).contains(&plain.len()) {
        return false;
    }
    let (head, tail) = plain.split_at(4);
    let rest = tail.iter().chain(head).fold(0_u32, |rest, c| {
        let value = c.to_digit(36).unwrap_or(0);
        if value > 9 { (rest * 100 + value) % 97 } else { (rest * 10 + value) % 97 }
    });
    rest == 1
}

/// Brazil's number of a person (CPF).
pub(super) fn cpf(text: &str) -> bool {
    let digits = digits(text);
    let check = |length: u32| {
        let sum: u32 = digits.iter().zip((2..=length + 1).rev()).map(|(digit, weight)| digit * weight).sum();
        (sum * 10 % 11) % 10
    };
    digits.len() == 11
        && digits.iter().any(|digit| *digit != digits[0])
        && check(9) == digits[9]
        && check(10) == digits[10]
}

/// Brazil's number of a company (CNPJ), of digits or, since 2026, of letters too: a sign counts as its code less 48.
pub(super) fn cnpj(text: &str) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    let signs: Vec<u32> =
        text.chars().filter(char::is_ascii_alphanumeric).map(|c| u32::from(c.to_ascii_uppercase()) - 48).collect();
    let check = |weights: &[u32]| {
        let rest = signs.iter().zip(weights).map(|(sign, weight)| sign * weight).sum::<u32>() % 11;
        if rest < 2 { 0 } else { 11 - rest }
    };
    signs.len() == 14
        && signs.iter().any(|sign| *sign != signs[0])
        && check(&WEIGHTS[1..]) == signs[12]
        && check(&WEIGHTS) == signs[13]
}

/// Argentina's tax number (CUIT, CUIL).
pub(super) fn cuit(text: &str) -> bool {
    const WEIGHTS: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    let digits = digits(text);
    if digits.len() != 11 {
        return false;
    }
    let rest = digits.iter().zip(WEIGHTS).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
    (11 - rest) % 11 == digits[10]
}

/// Spain's identity number (DNI, NIE).
pub(super) fn dni(text: &str) -> bool {
    const LETTERS: &[u8; 23] = b"TRWAGMYFPDXBNJZSQVHLCKE";
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let plain = match plain.as_bytes().first() {
        Some(b'X') => plain.replacen('X', "0", 1),
        Some(b'Y') => plain.replacen('Y', "1", 1),
        Some(b'Z') => plain.replacen('Z', "2", 1),
        _ => plain,
    };
    let Some((number, letter)) = plain.split_at_checked(plain.len().saturating_sub(1)) else { return false };
    let Ok(number) = number.parse::<usize>() else { return false };
    letter.as_bytes() == [LETTERS[number % 23]]
}

/// Mexico's number of a person (CURP).
pub(super) fn curp(text: &str) -> bool {
    let signs: Vec<u32> = text.chars().filter_map(|c| sign(c, "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ")).collect();
    let sum: u32 = signs.iter().zip((2..=18).rev()).map(|(sign, weight)| sign * weight).sum();
    signs.len() == 18 && date(&signs[4..10]) && (10 - sum % 10) % 10 == signs[17]
}

/// Mexico's tax number (RFC): of 13 signs for a person, of 12 for a company.
pub(super) fn rfc(text: &str) -> bool {
    const SIGNS: &str = "0123456789ABCDEFGHIJKLMN&OPQRSTUVWXYZ Ñ";
    let plain: String = text.chars().filter(|c| !" -".contains(*c)).collect();
    // A company's counts as if a space stood before it.
    let whole = format!("{plain:>13}");
    let signs: Vec<u32> = whole.chars().filter_map(|c| sign(c, SIGNS)).collect();
    let sum: u32 = signs.iter().zip((2..=13).rev()).map(|(sign, weight)| sign * weight).sum();
    let check = match 11 - sum % 11 {
        11 => 0,
        // Written `A`, which is also the tenth sign.
        other => other,
    };
    signs.len() == 13 && date(&signs[4..10]) && check == signs[12]
}

/// What a sign counts: its place in a table.
fn sign(c: char, table: &str) -> Option<u32> {
    let c = c.to_uppercase().next()?;
    table.chars().position(|known| known == c).and_then(|at| u32::try_from(at).ok())
}

/// Whether six digits are year, month and day.
fn date(digits: &[u32]) -> bool {
    let two = |n: usize| digits[n] * 10 + digits[n + 1];
    digits.iter().all(|digit| *digit < 10) && (1..=12).contains(&two(2)) && (1..=31).contains(&two(4))
}

/// Chile's identity number (RUT).
pub(super) fn rut(text: &str) -> bool {
    let plain: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let Some((check, number)) = plain.split_last() else { return false };
    let sum: u32 =
        number.iter().rev().zip([2, 3, 4, 5, 6, 7].iter().cycle()).map(|(c, w)| c.to_digit(10).unwrap_or(0) * w).sum();
    let expected = match 11 - sum % 11 {
        11 => '0',
        10 => 'K',
        digit => char::from_digit(digit, 10).unwrap_or('0'),
    };
    check.to_ascii_uppercase() == expected
}
