//! Dates and greetings as people say them.

use crate::template::Language;
use jiff::civil::{Date, Time};
use jiff::fmt::temporal::Pieces;
use serde_json::Value;

/// A moment as people write it. RFC 3339 text keeps the clock of its own offset; a number is microseconds in UTC. What
/// is no moment is given back as it stands: a bot may well have captured "mañana".
pub(super) fn date(value: &Value, style: &str, language: Language) -> String {
    match moment(value) {
        Some((date, time)) => match (style, time) {
            ("time", Some(time)) => format!("{:02}:{:02}", time.hour(), time.minute()),
            ("short", _) => short(date, language),
            _ => long(date, language),
        },
        None => super::render(value),
    }
}

fn moment(value: &Value) -> Option<(Date, Option<Time>)> {
    if let Some(micros) = value.as_i64() {
        let zoned = jiff::Timestamp::from_microsecond(micros).ok()?.to_zoned(jiff::tz::TimeZone::UTC);
        return Some((zoned.date(), Some(zoned.time())));
    }
    let pieces = Pieces::parse(value.as_str()?).ok()?;
    Some((pieces.date(), pieces.time()))
}

fn long(date: Date, language: Language) -> String {
    let month = month(date.month(), language);
    match language {
        Language::Es | Language::Pt => format!("{} de {month} de {}", date.day(), date.year()),
        Language::En => format!("{} {month} {}", date.day(), date.year()),
    }
}

/// Day, month, year in figures; in English the month is a word, because half of its readers would swap the first two.
fn short(date: Date, language: Language) -> String {
    match language {
        Language::Es | Language::Pt => format!("{:02}/{:02}/{}", date.day(), date.month(), date.year()),
        Language::En => format!("{} {} {}", date.day(), &month(date.month(), language)[..3], date.year()),
    }
}

fn month(month: i8, language: Language) -> &'static str {
    let names = match language {
        Language::Es => [
            "enero",
            "febrero",
            "marzo",
            "abril",
            "mayo",
            "junio",
            "julio",
            "agosto",
            "septiembre",
            "octubre",
            "noviembre",
            "diciembre",
        ],
        Language::Pt => [
            "janeiro",
            "fevereiro",
            "março",
            "abril",
            "maio",
            "junho",
            "julho",
            "agosto",
            "setembro",
            "outubro",
            "novembro",
            "dezembro",
        ],
        Language::En => [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
    };
    usize::try_from(month - 1).ok().and_then(|index| names.get(index)).copied().unwrap_or("")
}

/// The greeting of the hour; without an hour, one that always fits.
pub(super) fn greeting(hour: Option<u64>, language: Language) -> &'static str {
    match (language, hour) {
        (Language::Es, Some(5..=12)) => "Buenos días",
        (Language::Es, Some(13..=19)) => "Buenas tardes",
        (Language::Es, Some(20..=23 | 0..=4)) => "Buenas noches",
        (Language::Es, _) => "Hola",
        (Language::Pt, Some(5..=11)) => "Bom dia",
        (Language::Pt, Some(12..=17)) => "Boa tarde",
        (Language::Pt, Some(18..=23 | 0..=4)) => "Boa noite",
        (Language::Pt, _) => "Olá",
        (Language::En, Some(5..=11)) => "Good morning",
        (Language::En, Some(12..=17)) => "Good afternoon",
        (Language::En, Some(18..=23 | 0..=4)) => "Good evening",
        (Language::En, _) => "Hello",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_date_is_written_as_its_readers_do() {
        let evening = json!("2026-11-20T22:01:02-03:00");
        assert_eq!(date(&evening, "long", Language::Es), "20 de noviembre de 2026");
        assert_eq!(date(&evening, "long", Language::Pt), "20 de novembro de 2026");
        assert_eq!(date(&evening, "long", Language::En), "20 November 2026");
        assert_eq!(date(&evening, "short", Language::Es), "20/11/2026");
        assert_eq!(date(&evening, "short", Language::En), "20 Nov 2026");
        assert_eq!(date(&evening, "time", Language::Es), "22:01");
        assert_eq!(date(&json!(1_795_212_062_345_000_i64), "short", Language::Pt), "20/11/2026");
        assert_eq!(date(&json!("2026-02-03"), "long", Language::En), "3 February 2026");
        assert_eq!(date(&json!("mañana"), "long", Language::Es), "mañana");
    }

    #[test]
    fn the_greeting_follows_the_clock_and_the_language() {
        assert_eq!(greeting(Some(9), Language::Es), "Buenos días");
        assert_eq!(greeting(Some(18), Language::Es), "Buenas tardes");
        assert_eq!(greeting(Some(18), Language::Pt), "Boa noite");
        assert_eq!(greeting(Some(3), Language::En), "Good evening");
        assert_eq!(greeting(None, Language::Pt), "Olá");
    }
}
