#include "tests/bench/bench.h"

uint64_t bench_draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

typedef struct bid {
    unsigned long long auction, bidder;
    unsigned cents, channel, day, second, ms;
    char extra[33];
} bid;

static bid draw_bid(uint64_t *state, uint64_t n_auctions)
{
    uint64_t a = bench_draw(state), b = bench_draw(state);
    bid out = {.auction = 1000000 + a % n_auctions,
               .bidder = 2000000 + (a >> 32) % 100000,
               .cents = 100 + (unsigned)(b % 100000),
               .channel = (unsigned)(b >> 24) % 16,
               .day = 1 + (unsigned)(b >> 32) % 28,
               .second = (unsigned)(b >> 40) % 60,
               .ms = (unsigned)(b >> 48) % 1000};
    for (unsigned i = 0; i < 32; i++)
        out.extra[i] = (char)('a' + (b >> i & 15));
    return out;
}

void bench_bid_json(uint64_t *state, uint64_t n_auctions, cu_buf *out)
{
    bid b = draw_bid(state, n_auctions);
    cu_buf_printf(out,
                  "{\"auction\":%llu,\"bidder\":%llu,\"price\":%u.%02u,"
                  "\"channel\":\"channel-%u\",\"url\":\"https://"
                  "auction.example.org/item/%llu\",\"ts\":\"2024-03-%02uT"
                  "12:34:%02u.%03uZ\",\"extra\":\"%s\"}",
                  b.auction, b.bidder, b.cents / 100, b.cents % 100, b.channel,
                  b.auction, b.day, b.second, b.ms, b.extra);
}

void bench_bid_csv(uint64_t *state, cu_buf *out)
{
    bid b = draw_bid(state, 1000);
    cu_buf_printf(out,
                  "%llu,%llu,%u.%02u,channel-%u,"
                  "https://auction.example.org/item/%llu,"
                  "2024-03-%02uT12:34:%02u.%03uZ,\"%s, \"\"x\"\"\"",
                  b.auction, b.bidder, b.cents / 100, b.cents % 100, b.channel,
                  b.auction, b.day, b.second, b.ms, b.extra);
}
