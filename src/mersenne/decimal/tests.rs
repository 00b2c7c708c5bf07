use super::*;

fn exponent(p: u64) -> Exponent {
    Exponent::new(p).unwrap()
}

fn exponents_below(limit: u32) -> impl Iterator<Item = Exponent> {
    let next = |exponent: &Exponent| Exponent::next_above(Some(*exponent));
    std::iter::successors(Exponent::next_above(None), next).take_while(move |e| e.get() < limit)
}

fn assert_agrees_with_full_expansion(exponent: Exponent) {
    let all = ((BigUint::ONE << exponent.get()) - 1u32).to_string();
    let end = all.len().min(END_DIGITS as usize);
    assert_eq!(digits(exponent), all.len() as u64, "{exponent}");
    assert_eq!(first_digits(exponent), all[..end], "{exponent}");
    assert_eq!(last_digits(exponent), all[all.len() - end..], "{exponent}");
}

#[test]
fn agrees_with_the_full_expansion_for_every_exponent_below_4000() {
    exponents_below(4_000).for_each(assert_agrees_with_full_expansion);
}

#[test]
fn agrees_with_the_full_expansion_of_large_numbers() {
    [9_941, 44_497, 86_243, 216_091, 859_433].map(exponent).into_iter().for_each(assert_agrees_with_full_expansion);
}

#[test]
fn numbers_of_up_to_20_digits_are_their_own_first_and_last_digits() {
    assert_eq!(first_digits(exponent(2)), "3");
    assert_eq!(last_digits(exponent(31)), "2147483647");
    assert_eq!(first_digits(exponent(61)), "2305843009213693951");
    assert_eq!(digits(exponent(61)), 19);
}

#[test]
fn numbers_too_large_to_expand_have_their_published_digits() {
    // M136279841, as announced by GIMPS in 2024.
    let largest = exponent(136_279_841);
    assert_eq!(digits(largest), 41_024_320);
    assert_eq!(first_digits(largest), "88169432750383326555");
    assert_eq!(last_digits(largest), "55076706219486871551");
}

#[test]
fn too_little_precision_is_noticed_and_never_gives_wrong_digits() {
    let mut unsure = 0;
    for exponent in exponents_below(20_000).filter(|e| e.get() > 256) {
        match leading_digits_of_power_of_two(exponent, END_DIGITS + 1) {
            Some(digits) => assert_eq!(digits, first_digits(exponent), "{exponent}"),
            None => unsure += 1,
        }
    }
    assert!(unsure > 0);
}

#[test]
fn the_logarithm_is_the_one_its_definition_gives() {
    // Bit after bit: squaring doubles the logarithm to base 10, and dividing by 10 takes 1 away.
    let precision = 512u32;
    let mut number = BigUint::from(2u32) << precision;
    let ten = BigUint::from(10u32) << precision;
    let mut logarithm = 0u128;
    for _ in 0..96 {
        number = (&number * &number) >> precision;
        logarithm <<= 1;
        if number >= ten {
            number /= 10u32;
            logarithm |= 1;
        }
    }
    assert_eq!(logarithm, LOG10_2);
}

#[test]
fn no_multiple_of_the_logarithm_is_close_enough_to_an_integer_to_miscount() {
    // Of all multiples up to p, the closest to an integer is that of a convergent's denominator (Lagrange). The
    // count is wrong only if a multiple falls short of an integer by less than p < 2^32 units of 2^-96.
    const ONE: u128 = 1 << 96;
    let (mut high, mut low) = (ONE, LOG10_2);
    let (mut before, mut denominator) = (0u128, 1u128);
    while denominator < 1 << 32 {
        let fraction = denominator * LOG10_2 % ONE;
        assert!(fraction.min(ONE - fraction) > 1 << 32, "{denominator}");
        (before, denominator) = (denominator, high / low * denominator + before);
        (high, low) = (low, high % low);
    }
}
