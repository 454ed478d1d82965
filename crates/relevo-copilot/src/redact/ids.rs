//! Check digits: what tells a card or an identity number from any other run of digits.

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// A payment card (Luhn).
pub(super) fn card(text: &str) -> bool {
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
pub(super) fn iban(text: &str) -> bool {
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

/// Brazil's number of a company (CNPJ).
pub(super) fn cnpj(text: &str) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    let digits = digits(text);
    let check = |weights: &[u32]| {
        let rest = digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
        if rest < 2 { 0 } else { 11 - rest }
    };
    digits.len() == 14 && check(&WEIGHTS[1..]) == digits[12] && check(&WEIGHTS) == digits[13]
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
    let plain = text.to_ascii_uppercase().replace('-', "");
    let plain = match plain.as_bytes().first() {
        Some(b'X') => plain.replacen('X', "0", 1),
        Some(b'Y') => plain.replacen('Y', "1", 1),
        Some(b'Z') => plain.replacen('Z', "2", 1),
        _ => plain,
    };
    let Some((number, letter)) = plain.split_at_checked(8) else { return false };
    let Ok(number) = number.parse::<usize>() else { return false };
    letter.as_bytes() == [LETTERS[number % 23]]
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
