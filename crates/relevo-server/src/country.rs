//! In which country a visitor is: what a proxy of ours says that knows where addresses are, else what the time zone of the
//! visitor's device suggests.

use crate::config::Config;
use crate::extract::from_own_proxy;
use axum::http::HeaderMap;
use relevo::domain::event::{Country, CountrySource};
use std::net::IpAddr;

const ZONES: &str = include_str!("country/zones.txt");

/// The country of whoever sent a request.
pub fn of(config: &Config, peer: IpAddr, headers: &HeaderMap, time_zone: Option<&str>) -> Option<Country> {
    let told = config.country_header.as_deref().filter(|_| from_own_proxy(peer, config));
    let told = told.and_then(|name| headers.get(name)?.to_str().ok()).and_then(code);
    if let Some(code) = told {
        return Some(Country { code, from: CountrySource::Address });
    }
    let code = of_zone(time_zone?)?.to_owned();
    Some(Country { code, from: CountrySource::TimeZone })
}

/// Two letters that can be a country's. `XX` and `ZZ` say that it is not known, `T1` that it is hidden.
fn code(told: &str) -> Option<String> {
    let code = told.trim().to_ascii_uppercase();
    let letters = code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    (letters && code != "XX" && code != "ZZ").then_some(code)
}

fn of_zone(zone: &str) -> Option<&'static str> {
    let countries = ZONES.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' '));
    countries.into_iter().find_map(|(code, zones)| zones.split(' ').any(|known| known == zone).then_some(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn told(header: &str, peer: &str, time_zone: Option<&str>) -> Option<(String, CountrySource)> {
        let mut config = Config { country_header: Some("cf-ipcountry".into()), ..Config::default() };
        config.trusted_proxies = vec!["10.0.0.1".parse().unwrap()];
        let mut headers = HeaderMap::new();
        headers.insert("cf-ipcountry", HeaderValue::from_str(header).unwrap());
        of(&config, peer.parse().unwrap(), &headers, time_zone).map(|country| (country.code, country.from))
    }

    // covers: I02
    #[test]
    fn our_own_proxy_is_believed_before_the_time_zone_and_nobody_else_is() {
        let address = |code: &str| Some((code.to_owned(), CountrySource::Address));
        let zone = |code: &str| Some((code.to_owned(), CountrySource::TimeZone));
        assert_eq!(told("pt", "10.0.0.1", Some("Europe/Madrid")), address("PT"));
        assert_eq!(told("PT", "203.0.113.7", Some("Europe/Madrid")), zone("ES"), "anybody could have written it");
        for unknown in ["XX", "T1", "", "PRT", "P\u{20ac}"] {
            assert_eq!(told(unknown, "10.0.0.1", Some("Europe/Madrid")), zone("ES"), "{unknown}");
        }
        assert_eq!(told("XX", "10.0.0.1", None), None);
    }

    // covers: I02
    #[test]
    fn a_time_zone_tells_its_country_under_its_older_name_too() {
        for (zone, country) in [
            ("America/Argentina/Buenos_Aires", "AR"),
            ("America/Buenos_Aires", "AR"),
            ("America/Sao_Paulo", "BR"),
            ("Asia/Calcutta", "IN"),
            ("Atlantic/Canary", "ES"),
            ("Atlantic/Reykjavik", "IS"),
            ("Europe/Lisbon", "PT"),
            ("Pacific/Truk", "FM"),
        ] {
            assert_eq!(of_zone(zone), Some(country), "{zone}");
        }
        for nowhere in ["UTC", "Etc/GMT+3", "", "Europe", "Europe/Nowhere", "AR"] {
            assert_eq!(of_zone(nowhere), None, "{nowhere}");
        }
    }
}
