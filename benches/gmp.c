/* The reference of the engine's benchmark: the Lucas-Lehmer loop on GMP's integers, s = s^2 - 2 mod 2^p - 1, with the
   reduction by shift and add. Called as `gmp EXPONENT ITERATIONS REPEATS`; prints a line with the microseconds of an
   iteration for every repeat, after a warm start that makes the residue full-sized. */

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <gmp.h>

static mpz_t s, high, modulus;

static void step(unsigned long p)
{
    mpz_mul(s, s, s);
    mpz_fdiv_q_2exp(high, s, p);
    mpz_fdiv_r_2exp(s, s, p);
    mpz_add(s, s, high);
    mpz_sub_ui(s, s, 2);
    if (mpz_cmp(s, modulus) >= 0)
        mpz_sub(s, s, modulus);
    else if (mpz_sgn(s) < 0)
        mpz_add(s, s, modulus);
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec + 1e-9 * now.tv_nsec;
}

int main(int count, char **argument)
{
    if (count != 4)
        return 2;
    unsigned long p = strtoul(argument[1], NULL, 10);
    long iterations = atol(argument[2]), repeats = atol(argument[3]);
    if (p < 2 || iterations < 1)
        return 2;
    mpz_inits(s, high, modulus, NULL);
    mpz_setbit(modulus, p);
    mpz_sub_ui(modulus, modulus, 1);
    /* From 4 a Mersenne prime's residue would end in 0, -2, 2, 2 ...; from 6 none does. */
    mpz_set_ui(s, 6);
    for (int i = 0; i < 30; i++)
        step(p);
    for (long repeat = 0; repeat < repeats; repeat++) {
        double begin = seconds();
        for (long i = 0; i < iterations; i++)
            step(p);
        printf("p=%lu us/iter=%.3f\n", p, 1e6 * (seconds() - begin) / iterations);
    }
    return 0;
}
