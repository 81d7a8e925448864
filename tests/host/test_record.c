/* SPDX-License-Identifier: MIT */
/* sources: kernel/jobs/record.c */
/* test_record.c - records, against contract.md written down a second time, and every kind of damage to one. */
#include "jobs/record.h"
#include "testing.h"
#include "util.h"

static uint64_t sector[64];

/* Bit by bit, as in the definition; the kernel has a table. */
static uint32_t plain_crc32c(const void *data, size_t length)
{
        const uint8_t *bytes = data;
        uint32_t crc = UINT32_MAX;

        for (size_t i = 0; i < length; i++) {
                crc ^= bytes[i];
                for (unsigned bit = 0; bit < 8; bit++)
                        crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
        }
        return ~crc;
}

static uint64_t plain_splitmix64(uint64_t *x)
{
        uint64_t z = *x += 0x9E3779B97F4A7C15;

        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
}

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
        for (unsigned i = 0; i < bytes; i++)
                at[i] = (uint8_t)(value >> 8 * i);
}

static void seal(uint8_t *record) { put(record + 508, plain_crc32c(record, 508), 4); }

static void plain_record(uint8_t *record, uint64_t lba, uint64_t seq, uint64_t seed)
{
        uint64_t x = seed ^ (lba * 0x9E3779B97F4A7C15) ^ (seq * 0xBF58476D1CE4E5B9);

        memcpy(record, "SQUALL01", 8);
        put(record + 8, lba, 8);
        put(record + 16, seq, 8);
        put(record + 24, seed, 8);
        for (unsigned word = 0; word < 60; word++)
                put(record + 32 + 8 * word, plain_splitmix64(&x), word < 59 ? 8 : 4);
        seal(record);
}

/* RFC 3720, B.4, and the check value of the catalogue of CRCs. */
static void crc32c_of_known_texts(void **state)
{
        uint8_t bytes[32];

        (void)state;
        assert_int_equal(crc32c("123456789", 9), 0xe3069283);
        assert_int_equal(crc32c("", 0), 0);
        memset(bytes, 0, sizeof bytes);
        assert_int_equal(crc32c(bytes, 32), 0x8a9136aa);
        memset(bytes, 0xff, sizeof bytes);
        assert_int_equal(crc32c(bytes, 32), 0x62a8ab43);
        for (unsigned i = 0; i < 32; i++)
                bytes[i] = (uint8_t)i;
        assert_int_equal(crc32c(bytes, 32), 0x46dd794e);
        for (unsigned i = 0; i < 32; i++)
                bytes[i] = (uint8_t)(31 - i);
        assert_int_equal(crc32c(bytes, 32), 0x113fdb5c);
}

static void crc32c_of_anything(void **state)
{
        uint64_t x = 1;
        uint8_t bytes[300];

        (void)state;
        for (unsigned length = 0; length < sizeof bytes; length++) {
                for (unsigned i = 0; i < length; i++)
                        bytes[i] = (uint8_t)plain_splitmix64(&x);
                assert_int_equal(crc32c(bytes, length), plain_crc32c(bytes, length));
        }
}

static void splitmix64_from_1234567(void **state)
{
        static const uint64_t expected[] = { 6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                                             4593380528125082431u, 16408922859458223821u };
        uint64_t x = 1234567;

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(expected); i++)
                assert_int_equal(splitmix64(&x), expected[i]);
}

/* Worked out with Python from contract.md. */
static const struct {
        uint64_t lba, seq, seed;
        uint32_t crc32c;     /* of bytes 0 to 507 */
        uint64_t first_word; /* of the pattern */
} known[] = {
        { 0, 1, 1, 0x3edf2bcc, 0xa784c31d524d0df7 },
        { 5, 7, 1, 0xe2fa9444, 0xa0ee486e56eb45f7 },
        { UINT64_MAX, UINT64_MAX, UINT64_MAX, 0xc10ace53, 0x1d4359d5d625055d },
        { UINT64_C(1) << 33, 0x123456789abcdef, 0xfedcba9876543210, 0xd7cf8ed0, 0x1591ed86b04bcb03 },
};

static void records_are_the_contracts(void **state)
{
        uint8_t expected[512];

        (void)state;
        for (unsigned i = 0; i < ARRAY_SIZE(known); i++) {
                memset(sector, 0xA5, sizeof sector);
                record_make(sector, known[i].lba, known[i].seq, known[i].seed);
                plain_record(expected, known[i].lba, known[i].seq, known[i].seed);
                assert_memory_equal(sector, expected, 512);
                assert_int_equal(sector[4], known[i].first_word);
                assert_int_equal(sector[63] >> 32, known[i].crc32c);
        }
}

static enum record_state check(uint64_t lba, uint64_t seed, const char **why)
{
        static const char *const untouched = "nothing";
        uint64_t seq = 0;
        enum record_state found;

        *why = untouched;
        found = record_check(sector, lba, seed, &seq, why);
        if (found == RECORD_VALID)
                assert_int_equal(seq, sector[2]);
        if (found == RECORD_WRONG)
                assert_ptr_not_equal(*why, untouched);
        return found;
}

static void own_records_are_valid(void **state)
{
        uint64_t x = 42;
        const char *why;

        (void)state;
        for (unsigned i = 0; i < 500; i++) {
                uint64_t lba = plain_splitmix64(&x), seq = plain_splitmix64(&x), seed = plain_splitmix64(&x);

                plain_record((uint8_t *)sector, lba, seq, seed);
                assert_int_equal(check(lba, seed, &why), RECORD_VALID);
        }
}

static void zero_is_zero_to_the_last_bit(void **state)
{
        const char *why;

        (void)state;
        memset(sector, 0, sizeof sector);
        assert_int_equal(check(7, 1, &why), RECORD_ZERO);
        for (unsigned bit = 0; bit < 4096; bit++) {
                memset(sector, 0, sizeof sector);
                sector[bit / 64] |= UINT64_C(1) << bit % 64;
                assert_int_equal(check(7, 1, &why), RECORD_WRONG);
        }
}

static void every_bit_counts(void **state)
{
        const char *why;

        (void)state;
        record_make(sector, 77, 5, 1);
        for (unsigned bit = 0; bit < 4096; bit++) {
                sector[bit / 64] ^= UINT64_C(1) << bit % 64;
                assert_int_equal(check(77, 1, &why), RECORD_WRONG);
                sector[bit / 64] ^= UINT64_C(1) << bit % 64;
        }
        assert_int_equal(check(77, 1, &why), RECORD_VALID);
}

/* What a checksum alone would not find: another sector's record, another run's, one with a pattern made up. */
static void damage_below_a_right_checksum(void **state)
{
        const char *why;

        (void)state;
        record_make(sector, 77, 5, 1);
        assert_int_equal(check(78, 1, &why), RECORD_WRONG);
        assert_non_null(strstr(why, "another sector"));
        assert_int_equal(check(77, 2, &why), RECORD_WRONG);
        assert_non_null(strstr(why, "another seed"));
        sector[2] = 6;
        assert_int_equal(check(77, 1, &why), RECORD_WRONG);
        assert_non_null(strstr(why, "checksum"));
        seal((uint8_t *)sector);
        assert_int_equal(check(77, 1, &why), RECORD_WRONG);
        assert_non_null(strstr(why, "pattern"));

        record_make(sector, 77, 5, 1);
        for (unsigned byte = 32; byte < 508; byte++) {
                ((uint8_t *)sector)[byte] ^= 0x10;
                seal((uint8_t *)sector);
                assert_int_equal(check(77, 1, &why), RECORD_WRONG);
                assert_non_null(strstr(why, "pattern"));
                ((uint8_t *)sector)[byte] ^= 0x10;
        }
        sector[0] ^= 1;
        seal((uint8_t *)sector);
        assert_int_equal(check(77, 1, &why), RECORD_WRONG);
        assert_non_null(strstr(why, "neither"));
}

/* A torn write: the first part of one record and the rest of another. */
static void torn_records(void **state)
{
        const char *why;
        uint8_t later[512];

        (void)state;
        for (unsigned cut = 17; cut < 512; cut++) { /* before that the two are the same */
                record_make(sector, 77, 5, 1);
                plain_record(later, 77, 6, 1);
                memcpy((uint8_t *)sector + cut, later + cut, 512 - cut);
                assert_int_equal(check(77, 1, &why), RECORD_WRONG);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TEST(crc32c_of_known_texts),     TEST(crc32c_of_anything),
                TEST(splitmix64_from_1234567),   TEST(records_are_the_contracts),
                TEST(own_records_are_valid),     TEST(zero_is_zero_to_the_last_bit),
                TEST(every_bit_counts),          TEST(damage_below_a_right_checksum),
                TEST(torn_records),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
