/* urn_feature_state.c - the urns of a feature as bytes.
 *
 * Layout, integers little-endian: version u8, waited f64, for each part: watched u8, and if it is 1
 * its episode, the size of its urn u32, and the urn's own bytes. */
#include "byte_codec.h"
#include "urn_feature_internal.h"
#include "urn_internal.h"

#include <errno.h>

#define VERSION 1u

/* --- saving --- */

static void write_channel(const struct channel *channel, struct byte_writer *out)
{
    uint8_t episode[URN_EPISODE_BYTES];
    write_u8(out, channel->urn != NULL);
    if (!channel->urn)
        return;
    drift_urn_episode_save(&channel->episode, episode);
    for (size_t i = 0; i < sizeof(episode); i++)
        write_u8(out, episode[i]);
    const size_t size = drift_urn_save(channel->urn, NULL, 0);
    write_u32(out, (uint32_t)size);
    if (out->bytes)
        (void)drift_urn_save(channel->urn, out->bytes + out->size, size);
    out->size += size;
}

static void write_feature(const struct urn_feature *feature, struct byte_writer *out)
{
    write_u8(out, VERSION);
    write_f64(out, feature->waited);
    for (size_t i = 0; i < URN_PARTS; i++)
        write_channel(&feature->channel[i], out);
}

size_t drift_urn_feature_save(const struct urn_feature *feature, void *bytes, size_t capacity)
{
    struct byte_writer size = {0};
    write_feature(feature, &size);
    if (!bytes || size.size > capacity)
        return size.size;
    struct byte_writer out = {.bytes = bytes};
    write_feature(feature, &out);
    return out.size;
}

/* --- restoring --- */

/* What becomes a channel's own once all bytes have been read. */
struct channel_state {
    struct urn *urn;
    struct urn_episode episode;
};

static int read_episode(const struct channel *channel, struct byte_reader *in,
                        struct urn_episode *episode)
{
    if (in->failed || in->size - in->at < URN_EPISODE_BYTES ||
        drift_urn_episode_restore(episode, in->bytes + in->at) < 0)
        return -EINVAL;
    in->at += URN_EPISODE_BYTES;
    episode->notices_only = channel->episode.notices_only;
    return episode->change.bin < channel->bins.count ? 0 : -EINVAL;
}

static int read_urn(const struct channel *channel, struct byte_reader *in, struct urn **ret_urn)
{
    const uint32_t size = read_u32(in);
    if (in->failed || size > in->size - in->at)
        return -EINVAL;
    int rc = drift_urn_create(&channel->bins, channel->bets, ret_urn);
    if (rc == 0)
        rc = drift_urn_restore(*ret_urn, in->bytes + in->at, size);
    in->at += size;
    return rc;
}

/* An urn is held while its page is open, and then only. */
static int read_channel(const struct channel *channel, struct byte_reader *in,
                        struct channel_state *ret_state)
{
    if (read_u8(in) != (channel->urn != NULL) || in->failed)
        return -EINVAL;
    if (!channel->urn)
        return 0;
    int rc = read_episode(channel, in, &ret_state->episode);
    if (rc == 0)
        rc = read_urn(channel, in, &ret_state->urn);
    return rc == 0 && ret_state->urn->held != ret_state->episode.open ? -EINVAL : rc;
}

static void take(struct urn_feature *feature, struct channel_state states[URN_PARTS], double waited)
{
    for (size_t i = 0; i < URN_PARTS; i++) {
        struct channel *channel = &feature->channel[i];
        struct urn *old = channel->urn;
        if (!old)
            continue;
        channel->urn = states[i].urn;
        channel->episode = states[i].episode;
        states[i].urn = old;
    }
    feature->waited = waited;
}

int drift_urn_feature_restore(struct urn_feature *feature, const void *bytes, size_t size)
{
    struct byte_reader in = {.bytes = bytes, .size = size};
    struct channel_state states[URN_PARTS] = {0};
    const uint8_t version = read_u8(&in);
    const double waited = read_f64(&in);
    int rc = version == VERSION && waited >= 0 && waited <= URN_MAX_EVIDENCE ? 0 : -EINVAL;
    for (size_t i = 0; rc == 0 && i < URN_PARTS; i++)
        rc = read_channel(&feature->channel[i], &in, &states[i]);
    if (rc == 0 && (in.failed || in.at != in.size))
        rc = -EINVAL;
    if (rc == 0)
        take(feature, states, waited);
    for (size_t i = 0; i < URN_PARTS; i++)
        drift_urn_destroy(states[i].urn);
    return rc;
}
