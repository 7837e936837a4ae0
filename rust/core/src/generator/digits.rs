//! Numbers as decimal text, written without a loop or a branch on their length.
//!
//! The hot loop's arithmetic; see `csv` for how its windows keep these copies free of bounds checks.

/// Bytes of the window that a row is written into: twice the longest row, and a power of two.
pub(super) const WINDOW: usize = 1024;
/// Where a piece may begin. Masking with it lets the compiler prove that the piece ends inside the window.
const START_MASK: usize = WINDOW / 2 - 1;

/// Copies `piece` to `at`, all of it, whatever part of it counts.
#[inline(always)]
pub(super) fn put<const N: usize>(row: &mut [u8; WINDOW], at: usize, piece: &[u8; N]) {
    const { assert!(N <= WINDOW / 2) };
    let at = at & START_MASK;
    row[at..at + N].copy_from_slice(piece);
}

/// The eight decimal digits of `number` (below 10^8), each in a byte, the most significant first in memory.
///
/// Halves, quarters and eighths are split off side by side in one 64-bit word; the multipliers are reciprocals of 100 and
/// 10 that are exact in the ranges at hand.
#[inline(always)]
pub(super) const fn eight_digits(number: u32) -> u64 {
    let (high, low) = ((number / 10_000) as u64, (number % 10_000) as u64);
    let fours = high | low << 32;
    let hundreds = (fours * 10_486 >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = (twos * 103 >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - tens * 10) << 8
}

const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight digits of `number` (below 10^8) as text.
#[inline(always)]
pub(super) const fn eight_characters(number: u32) -> [u8; 8] {
    (eight_digits(number) | ZEROS).to_le_bytes()
}

/// The decimal text of `number` (below 10^16) at the front of 24 bytes, and its length.
#[inline(always)]
pub(super) fn decimal(number: u64) -> ([u8; 24], usize) {
    let mut text = [0; 24];
    if number < 100_000_000 {
        let digits = eight_digits(number as u32);
        // The leading zeros are the low bytes; at least one digit stays.
        let zeros = (digits | 1 << 56).trailing_zeros() & !7;
        text[..8].copy_from_slice(&((digits | ZEROS) >> zeros).to_le_bytes());
        return (text, 8 - (zeros / 8) as usize);
    }
    let high = eight_digits((number / 100_000_000) as u32);
    let zeros = (high | 1 << 56).trailing_zeros() & !7;
    let length = 8 - (zeros / 8) as usize;
    text[..8].copy_from_slice(&((high | ZEROS) >> zeros).to_le_bytes());
    let low = eight_digits((number % 100_000_000) as u32) | ZEROS;
    text[length & 15..][..8].copy_from_slice(&low.to_le_bytes());
    (text, length + 8)
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

/// `23:59:59.999999Z,` for the microseconds since midnight.
#[inline(always)]
pub(super) fn time_of_day(micros: u64) -> [u8; 17] {
    let (seconds, fraction) = ((micros / 1_000_000) as u32, (micros % 1_000_000) as u32);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    // Two words of eight digits: HHMMSS and the fraction, each behind two zeros.
    let clock = (eight_digits(hour * 10_000 + minute * 100 + second) | ZEROS).to_le_bytes();
    let fraction = (eight_digits(fraction) | ZEROS).to_le_bytes();
    [
        clock[2],
        clock[3],
        b':',
        clock[4],
        clock[5],
        b':',
        clock[6],
        clock[7],
        b'.',
        fraction[2],
        fraction[3],
        fraction[4],
        fraction[5],
        fraction[6],
        fraction[7],
        b'Z',
        b',',
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_read_as_the_number() {
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
            let (text, length) = decimal(number);
            assert_eq!(
                std::str::from_utf8(&text[..length]).unwrap(),
                number.to_string()
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
            let text = [&date(day)[..11], &time_of_day(time)[..16]].concat();
            let expected = jiff::Timestamp::from_microsecond(micros as i64)
                .unwrap()
                .strftime("%Y-%m-%dT%H:%M:%S.%6fZ");
            assert_eq!(std::str::from_utf8(&text).unwrap(), expected.to_string());
        }
    }
}
