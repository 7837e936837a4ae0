//! Numbers as decimal text, written without a loop or a branch on their length.
//!
//! The hot loop's arithmetic; see `csv` for how its windows keep these copies free of bounds checks.

/// Bytes of the window that a row is written into: twice the longest row, and a power of two.
pub(super) const WINDOW: usize = 1024;
/// Mask for the start of a piece. It lets the compiler prove that the piece ends inside the window.
const START_MASK: usize = WINDOW / 2 - 1;

/// Copies the whole slot `piece` to `at`, including its unused bytes.
#[inline(always)]
pub(super) fn put<const N: usize>(row: &mut [u8; WINDOW], at: usize, piece: &[u8; N]) {
    const { assert!(N <= WINDOW / 2) };
    let at = at & START_MASK;
    row[at..at + N].copy_from_slice(piece);
}

/// The eight decimal digits of `number` (below 10^8), each in a byte, the most significant first in memory.
///
/// Halves, quarters and eighths are split off side by side in one 64-bit word; the multipliers are reciprocals of 100 and
/// 10 that are exact in the ranges used here.
#[inline(always)]
pub(super) const fn eight_digits(number: u32) -> u64 {
    let (high, low) = ((number / 10_000) as u64, (number % 10_000) as u64);
    let fours = high | low << 32;
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - tens * 10) << 8
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// `000` to `999`, with a zero byte behind: 4 KiB, so they stay in first-level cache.
const TRIPLES: [u32; 1024] = {
    let mut triples = [0; 1024];
    let mut i = 0;
    while i < 1000 {
        let digits = [
            b'0' + (i / 100) as u8,
            b'0' + (i / 10 % 10) as u8,
            b'0' + (i % 10) as u8,
            0,
        ];
        triples[i] = u32::from_le_bytes(digits);
        i += 1;
    }
    triples
};

/// The three digits of `number`, below 1,000.
#[inline(always)]
const fn three_digits(number: u32) -> u64 {
    TRIPLES[number as usize & 1023] as u64
}

/// A digit from 2 to 9 given by `first` (0 to 7), and seven more drawn from `bits`, as a word.
#[inline(always)]
pub(super) const fn subscriber(first: usize, bits: u32) -> u64 {
    let one = bits as u64 * 1_000;
    let two = (one & 0xffff_ffff) * 1_000;
    let last = ((two & 0xffff_ffff) * 10) >> 32;
    (b'2' as u64 + (first & 7) as u64)
        | three_digits((one >> 32) as u32) << 8
        | three_digits((two >> 32) as u32) << 32
        | (b'0' as u64 + last) << 56
}

/// A number's decimal text: its bytes, the first in the low end, and their number.
///
/// Words and not arrays: an array is stored in halves and loaded whole, which stalls until the stores have retired.
#[derive(Clone, Copy, Debug)]
pub(super) struct Decimal {
    text: u128,
    pub(super) length: usize,
}

impl Decimal {
    /// The text of `number`, below 10^16.
    #[inline(always)]
    pub(super) const fn of(number: u64) -> Self {
        if number < 100_000_000 {
            let (text, length) = without_zeros(eight_digits(number as u32));
            return Self {
                text: text as u128,
                length,
            };
        }
        let (high, length) = without_zeros(eight_digits((number / 100_000_000) as u32));
        let low = eight_digits((number % 100_000_000) as u32) | ZEROS;
        Self {
            text: high as u128 | (low as u128) << (8 * length),
            length: length + 8,
        }
    }

    #[inline(always)]
    pub(super) fn put(self, row: &mut [u8; WINDOW], at: usize) {
        put_word(row, at, self.text as u64);
        put_word(row, at + 8, (self.text >> 64) as u64);
    }
}

/// The text of eight digits without leading zeros, and its length; at least one digit stays.
#[inline(always)]
const fn without_zeros(digits: u64) -> (u64, usize) {
    // The leading zeros are the low bytes.
    let zeros = (digits | 1 << 56).trailing_zeros() & !7;
    ((digits | ZEROS) >> zeros, 8 - (zeros / 8) as usize)
}

/// Writes eight bytes, the low end first.
#[inline(always)]
pub(super) fn put_word(row: &mut [u8; WINDOW], at: usize, word: u64) {
    put(row, at, &word.to_le_bytes());
}

/// `00` to `99`.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut i = 0;
    while i < 100 {
        pairs[i] = [b'0' + (i / 10) as u8, b'0' + (i % 10) as u8];
        i += 1;
    }
    pairs
};

pub(super) const DAY_MICROS: u64 = 86_400_000_000;

/// `2026-01-31T`, for the day that is `day` days after 1970-01-01 (Howard Hinnant's civil_from_days, for days from 1970).
pub(super) fn date(day: u64) -> [u8; 16] {
    let shifted = day + 719_468;
    let (era, of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day_of_month = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (century, short_year) = (
        PAIRS[(year / 100 % 100) as usize],
        PAIRS[(year % 100) as usize],
    );
    let (month, day) = (PAIRS[month as usize], PAIRS[day_of_month as usize]);
    [
        century[0],
        century[1],
        short_year[0],
        short_year[1],
        b'-',
        month[0],
        month[1],
        b'-',
        day[0],
        day[1],
        b'T',
        0,
        0,
        0,
        0,
        0,
    ]
}

/// `23:59:` for each minute of a day.
const MINUTES: [u64; 1440] = {
    let mut minutes = [0; 1440];
    let mut i = 0;
    while i < 1440 {
        let (hour, minute) = (PAIRS[i / 60], PAIRS[i % 60]);
        minutes[i] = u64::from_le_bytes([hour[0], hour[1], b':', minute[0], minute[1], b':', 0, 0]);
        i += 1;
    }
    minutes
};

/// `23:59:59` and `.999999Z`, for the microseconds since midnight (below a day), as words.
#[inline(always)]
pub(super) const fn time_of_day(micros: u64) -> [u64; 2] {
    let (seconds, fraction) = ((micros / 1_000_000) as u32, (micros % 1_000_000) as u32);
    let (minute, second) = (seconds / 60, seconds % 60);
    [
        MINUTES[minute as usize] | three_digits(second) >> 8 << 48,
        b'.' as u64
            | three_digits(fraction / 1_000) << 8
            | three_digits(fraction % 1_000) << 32
            | (b'Z' as u64) << 56,
    ]
}

/// Numbers that mostly rise, such as sequence numbers: the text of the thousands is cached, so only three digits are rendered.
#[derive(Debug, Default)]
pub(super) struct Rising {
    thousands: u64,
    /// Empty for the numbers below 1,000, which are written whole.
    prefix: Option<Decimal>,
}

impl Rising {
    /// Writes `number` (below 10^16) and returns its length.
    #[inline(always)]
    pub(super) fn put(&mut self, row: &mut [u8; WINDOW], at: usize, number: u64) -> usize {
        let over = number.wrapping_sub(self.thousands);
        let Some(prefix) = self.prefix.filter(|_| over < 1_000) else {
            return self.put_whole(row, at, number);
        };
        prefix.put(row, at);
        put(
            row,
            at + prefix.length,
            &(three_digits(over as u32) as u32).to_le_bytes(),
        );
        prefix.length + 3
    }

    #[cold]
    fn put_whole(&mut self, row: &mut [u8; WINDOW], at: usize, number: u64) -> usize {
        self.thousands = number / 1_000 * 1_000;
        self.prefix = (number >= 1_000).then(|| Decimal::of(number / 1_000));
        let whole = Decimal::of(number);
        whole.put(row, at);
        whole.length
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_parse_as_the_number() {
        let mut numbers = vec![
            0,
            9,
            10,
            99,
            12_345_678,
            99_999_999,
            100_000_000,
            4_294_967_295,
            9_999_999_999_999_999,
        ];
        numbers.extend((0..16).flat_map(|power| [10_u64.pow(power), 10_u64.pow(power + 1) - 1]));
        numbers.extend((0..20_000).map(|i| i * i * 6_700_417 % 9_999_999_999_999_999));
        for number in numbers {
            let decimal = Decimal::of(number);
            let mut row = [0; WINDOW];
            decimal.put(&mut row, 0);
            assert_eq!(
                std::str::from_utf8(&row[..decimal.length]).unwrap(),
                number.to_string()
            );
        }
    }

    #[test]
    fn rising_numbers_parse_as_the_number_even_when_they_fall() {
        let mut rising = Rising::default();
        for number in [
            0,
            1,
            999,
            1_000,
            1_001,
            1_999,
            2_000,
            5,
            1_234_567,
            1_234_999,
            1_235_000,
            1_234_000,
            999_999_999_999,
        ] {
            let mut row = [0; WINDOW];
            let length = rising.put(&mut row, 0, number);
            assert_eq!(
                std::str::from_utf8(&row[..length]).unwrap(),
                number.to_string()
            );
        }
    }

    #[test]
    fn subscriber_numbers_are_eight_digits() {
        for i in 0..100_000_u32 {
            let text = subscriber(i as usize, i.wrapping_mul(2_654_435_761)).to_le_bytes();
            assert!(
                (b'2'..=b'9').contains(&text[0]) && text.iter().all(u8::is_ascii_digit),
                "{text:?}"
            );
        }
    }

    #[test]
    fn all_eight_digit_numbers_in_steps_of_a_prime() {
        for number in (0..100_000_000).step_by(9_973) {
            let text = (eight_digits(number) | ZEROS).to_le_bytes();
            assert_eq!(std::str::from_utf8(&text).unwrap(), format!("{number:08}"));
        }
    }

    #[test]
    fn dates_and_times_agree_with_a_calendar_library() {
        for micros in (0..253_402_300_800_000_000_u64).step_by(12_345_678_912_345) {
            let [day, time] = [micros / DAY_MICROS, micros % DAY_MICROS];
            let text = [
                &date(day)[..11],
                &time_of_day(time).map(u64::to_le_bytes).concat(),
            ]
            .concat();
            let expected = jiff::Timestamp::from_microsecond(micros as i64)
                .unwrap()
                .strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
            assert_eq!(std::str::from_utf8(&text).unwrap(), expected.to_string());
        }
    }
}
