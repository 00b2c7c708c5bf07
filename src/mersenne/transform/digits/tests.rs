use proptest::prelude::*;

use super::*;

fn prime(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

fn prime_from(least: u64) -> Exponent {
    (least..).find_map(|p| Exponent::new(p).ok()).unwrap()
}

fn layout(p: u64, length: usize) -> DigitLayout {
    DigitLayout::new(prime(p), length).unwrap()
}

fn modulus(p: u64) -> BigUint {
    (BigUint::ONE << p) - 1u32
}

/// The sum of d·2^first_bit, rotated, by big integers that know nothing of words.
fn join_slowly(layout: DigitLayout, digits: &[i64], shift: u32) -> BigUint {
    let p = u64::from(layout.exponent());
    let mut sum = BigUint::ZERO;
    for (index, &digit) in digits.iter().enumerate() {
        let m = modulus(p);
        let size = BigUint::from(digit.unsigned_abs()) % &m;
        let size = if digit < 0 { (&m - size) % &m } else { size };
        sum += size << layout.first_bit(index);
    }
    (sum << (p - u64::from(shift) % p)) % modulus(p)
}

/// Every layout worth having of some exponents, tiny ones included.
fn layouts() -> impl Iterator<Item = DigitLayout> {
    [2, 3, 5, 7, 13, 31, 61, 89, 127, 1_279, 4_423]
        .into_iter()
        .flat_map(|p| (1..=p as usize).filter(move |n| p < 200 || n % 97 == 0 || *n < 300).map(move |n| (p, n)))
        .filter_map(|(p, n)| DigitLayout::new(prime(p), n))
}

#[test]
fn digits_of_no_bit_or_of_more_than_32_are_refused() {
    assert!(DigitLayout::new(prime(127), 0).is_none());
    assert!(DigitLayout::new(prime(127), 128).is_none());
    assert!(DigitLayout::new(prime(127), 127).is_some());
    assert!(DigitLayout::new(prime(127), 4).is_some());
    assert!(DigitLayout::new(prime(127), 3).is_none());
}

#[test]
fn the_digits_begin_where_crandall_and_fagin_say_and_cover_every_bit_once() {
    for layout in layouts() {
        let (p, n) = (u128::from(layout.exponent().get()), layout.length() as u128);
        let mut bit = 0;
        for (index, bits) in layout.sizes().enumerate() {
            let first = (p * index as u128).div_ceil(n);
            assert_eq!(u128::from(layout.first_bit(index)), first, "{layout:?}");
            assert_eq!(u128::from(bits), (p * (index as u128 + 1)).div_ceil(n) - first, "{layout:?}");
            assert_eq!(layout.bits(index), bits, "{layout:?}");
            assert_eq!(u128::from(layout.lateness(index)), first * n - p * index as u128);
            for offset in 0..bits {
                assert_eq!(layout.place(bit + offset), (index, offset), "{layout:?}");
            }
            bit += bits;
        }
        assert_eq!(bit, layout.exponent().get());
    }
}

#[test]
fn nothing_overflows_at_the_largest_lengths() {
    for (p, n) in [(149_999_957, 1 << 23), (136_279_841, 7_340_032), (149_999_957, 7_864_320), (4_294_967_291, 1 << 28)]
    {
        let layout = layout(p, n);
        let mut bit = 0u64;
        for (index, bits) in layout.sizes().enumerate() {
            if index % 4_099 == 0 || index + 3 > n {
                assert_eq!(u64::from(layout.first_bit(index)), bit);
                assert_eq!(layout.bits(index), bits);
                assert_eq!(layout.place(bit as u32 + bits - 1), (index, bits - 1));
            }
            bit += u64::from(bits);
        }
        assert_eq!(bit, p);
    }
}

#[test]
fn zero_the_modulus_and_its_neighbours_come_back() {
    for layout in layouts() {
        let p = layout.exponent().get();
        let m = modulus(u64::from(p));
        for value in
            [BigUint::ZERO, BigUint::ONE, &m - 1u32, m.clone(), &m + 1u32, &m >> 1, &m * 3u32 - 1u32, &m * &m * &m]
        {
            for shift in [0, 1, p / 2, p - 1] {
                let digits = layout.digits(&value, shift);
                for (digit, bits) in digits.iter().zip(layout.sizes()) {
                    assert!(2 * digit.abs() <= 1 << bits, "{layout:?} {value} {shift}");
                }
                let expected = &value % &m;
                assert_eq!(join_slowly(layout, &digits, shift), expected, "{layout:?} {value} {shift}");
                assert_eq!(layout.join(digits, shift), expected, "{layout:?} {value} {shift}");
            }
        }
    }
}

#[test]
fn digits_all_at_their_ends_and_far_beyond_make_the_residue_they_sum_to() {
    for layout in layouts() {
        let p = layout.exponent().get();
        let end = |sign: i64| layout.sizes().map(move |bits| sign << (bits - 1)).collect::<Vec<i64>>();
        let beyond = (1i64 << 50) - 1;
        let alternating = (0..layout.length()).map(|j| if j % 2 == 0 { beyond } else { -beyond }).collect();
        let full = layout.sizes().map(|bits| (1 << bits) - 1).collect();
        let far = |d| vec![d; layout.length()];
        for digits in [end(1), end(-1), far(beyond), far(-beyond), far(-1), far(0), alternating, full] {
            for shift in [0, p - 1] {
                let expected = join_slowly(layout, &digits, shift);
                assert_eq!(layout.join(digits.iter().copied(), shift), expected, "{layout:?} {digits:?} {shift}");
            }
        }
    }
}

proptest! {
    #[test]
    fn splitting_rotates_and_joining_rotates_back(
        least in 2u64..20_000,
        length in 1usize..2_000,
        words in prop::collection::vec(any::<u32>(), 0..700),
        shift: u32,
    ) {
        let exponent = prime_from(least);
        let p = u64::from(exponent);
        if let Some(layout) = DigitLayout::new(exponent, length) {
            let value = BigUint::new(words);
            let digits = layout.digits(&value, shift);
            let residue = &value % modulus(p);
            let rotated = (&residue << (u64::from(shift) % p)) % modulus(p);
            prop_assert_eq!(&join_slowly(layout, &digits, 0), &rotated);
            prop_assert_eq!(layout.join(digits.iter().copied(), 0), rotated);
            prop_assert_eq!(layout.join(digits, shift), residue);
        }
    }

    #[test]
    fn any_digits_make_the_residue_they_sum_to(
        least in 2u64..3_000,
        digits in prop::collection::vec(-(1i64 << 50) + 1..1 << 50, 1..300),
        shift: u32,
    ) {
        if let Some(layout) = DigitLayout::new(prime_from(least), digits.len()) {
            prop_assert_eq!(layout.join(digits.iter().copied(), shift), join_slowly(layout, &digits, shift));
        }
    }
}
