//! How a country writes addresses and telephone numbers.

use super::Locale;

/// A second line of the address, such as an apartment: its wording and frequency.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unit {
    /// The text, in which `#` is a number from 1 to 48 and `@` a letter from A to D.
    pub(crate) wording: &'static str,
    /// The number of customers, of 64, who live in such a unit.
    pub(crate) of_64: usize,
}

/// One country's conventions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facts {
    /// ISO 3166-1 alpha-2.
    pub(crate) country: &'static str,
    /// ITU-T E.164 country code, with the plus sign.
    pub(crate) dial: &'static str,
    /// Digits after the country code, area code included.
    pub(crate) phone_digits: usize,
    /// The postal code's format: `0` is a digit, and the city's prefix replaces the first ones.
    pub(crate) postal: &'static str,
    /// Whether the house number is before the street (`12 Main Street`), not after it.
    pub(crate) number_first: bool,
    /// The separator between street and house number.
    pub(crate) between: &'static str,
    pub(crate) units: &'static [Unit],
    /// First names with a nickname in quotation marks, which CSV must quote: the name, its ASCII form, and how
    /// many in 10,000 customers.
    pub(crate) nicknames: [(&'static str, &'static str, u64); 4],
}

impl Facts {
    pub(crate) const fn of(locale: Locale) -> &'static Self {
        match locale {
            Locale::Us => &US,
            Locale::De => &DE,
            Locale::Fr => &FR,
            Locale::Es => &ES,
            Locale::Br => &BR,
            Locale::Jp => &JP,
        }
    }
}

const US: Facts = Facts {
    country: "US",
    dial: "+1",
    phone_digits: 10,
    postal: "00000",
    number_first: true,
    between: " ",
    units: &[
        Unit {
            wording: ", Apt #",
            of_64: 12,
        },
        Unit {
            wording: ", Unit #@",
            of_64: 4,
        },
        Unit {
            wording: ", Suite #",
            of_64: 2,
        },
    ],
    nicknames: [
        ("William \"Bill\"", "bill", 6),
        ("Robert \"Bob\"", "bob", 6),
        ("Margaret \"Peggy\"", "peggy", 4),
        ("James \"Jim\"", "jim", 4),
    ],
};

const DE: Facts = Facts {
    country: "DE",
    dial: "+49",
    phone_digits: 10,
    postal: "00000",
    number_first: false,
    between: " ",
    units: &[
        Unit {
            wording: ", Whg. #",
            of_64: 5,
        },
        Unit {
            wording: "@",
            of_64: 6,
        },
    ],
    nicknames: [
        ("Johann \"Hannes\"", "hannes", 6),
        ("Margarete \"Grete\"", "grete", 5),
        ("Friedrich \"Fritz\"", "fritz", 5),
        ("Josef \"Sepp\"", "sepp", 4),
    ],
};

const FR: Facts = Facts {
    country: "FR",
    dial: "+33",
    phone_digits: 9,
    postal: "00000",
    number_first: true,
    between: " ",
    units: &[
        Unit {
            wording: ", Bât. @",
            of_64: 7,
        },
        Unit {
            wording: ", Appt #",
            of_64: 5,
        },
    ],
    nicknames: [
        ("Alexandre \"Alex\"", "alex", 6),
        ("Frédéric \"Fred\"", "fred", 5),
        ("Catherine \"Cathy\"", "cathy", 5),
        ("Emmanuel \"Manu\"", "manu", 4),
    ],
};

const ES: Facts = Facts {
    country: "ES",
    dial: "+34",
    phone_digits: 9,
    postal: "00000",
    number_first: false,
    between: ", ",
    units: &[
        Unit {
            wording: ", #º @",
            of_64: 22,
        },
        Unit {
            wording: ", Bajo @",
            of_64: 4,
        },
    ],
    nicknames: [
        ("Francisco \"Paco\"", "paco", 8),
        ("José \"Pepe\"", "pepe", 6),
        ("Dolores \"Lola\"", "lola", 4),
        ("Ignacio \"Nacho\"", "nacho", 4),
    ],
};

const BR: Facts = Facts {
    country: "BR",
    dial: "+55",
    phone_digits: 10,
    postal: "00000-000",
    number_first: false,
    between: ", ",
    units: &[
        Unit {
            wording: " - Apto #",
            of_64: 18,
        },
        Unit {
            wording: " - Bloco @",
            of_64: 6,
        },
    ],
    nicknames: [
        ("Francisco \"Chico\"", "chico", 7),
        ("José \"Zeca\"", "zeca", 6),
        ("Antônio \"Tonho\"", "tonho", 5),
        ("Sebastião \"Tião\"", "tiao", 3),
    ],
};

const JP: Facts = Facts {
    country: "JP",
    dial: "+81",
    phone_digits: 9,
    postal: "000-0000",
    number_first: false,
    between: "",
    units: &[Unit {
        wording: " コーポ#号",
        of_64: 12,
    }],
    nicknames: [
        ("健一 \"ケン\"", "ken", 5),
        ("由美子 \"ユミ\"", "yumi", 5),
        ("恵子 \"ケイ\"", "kei", 4),
        ("大輔 \"ダイ\"", "dai", 4),
    ],
};
