/* What frame.c, frame_csv.c and frame_json.c share. */
#ifndef CU_SCHEMAS_FRAME_H
#define CU_SCHEMAS_FRAME_H

#include "schemas/codec.h"

enum { CU_FRAME_DEPTH = 1024 }; /* deeper nesting counts as broken */

/* Where reading could go on if the record at hand turns out broken.  All
 * int64_t positions here are positions in the source. */
typedef struct cu_resync {
    bool set;
    int64_t end;  /* of the broken record */
    int64_t next; /* first byte of what follows */
    int64_t next_line;
} cu_resync;

typedef struct cu_json_frame {
    uint8_t state; /* frame_json.c */
    bool after_value, colon;
    bool line_start; /* no byte but blanks on this line yet */
    bool several;    /* the record has a line break inside */
    uint32_t depth;
    uint64_t kinds[CU_FRAME_DEPTH / 64]; /* bit set: an object */
    int64_t line_at;                     /* where the line starts */
    int64_t column;                      /* of the record's first byte */
    int64_t mark; /* END: end of the record; BARE_COMMA: its comma */
} cu_json_frame;

struct cu_framer {
    cu_framing framing;
    bool headerless;
    char delimiter;
    size_t max_bytes;
    cu_buf buf;   /* bytes not handed out yet */
    int64_t base; /* source position of buf.data[0] */
    bool end;
    bool bom_checked;
    size_t scan;                     /* bytes of buf looked at */
    int64_t line;                    /* at scan */
    int64_t position, position_line; /* behind the last record */
    /* The record at hand. */
    bool in_record;
    size_t start; /* in buf, unless cutting */
    int64_t start_at, start_line;
    bool cutting; /* too large: its first bytes are in `cut` */
    cu_buf cut;
    cu_resync resync;
    uint8_t csv_state; /* frame_csv.c */
    cu_json_frame json;
    cu_buf header;
    bool has_header;
};

/* The next byte to look at. */
static inline int64_t cu_frame_at(const cu_framer *f)
{
    return f->base + (int64_t)f->scan;
}
/* More than max_bytes of the record were looked at.  What depends on the
 * size asks this, never `cutting`, which depends on the feeds. */
static inline bool cu_frame_large(const cu_framer *f)
{
    return (size_t)(cu_frame_at(f) - f->start_at) > f->max_bytes;
}
/* The record at hand starts at f->scan. */
void cu_frame_begin(cu_framer *f);
/* Its bytes up to `end`; *cut when there were more than max_bytes. */
cu_slice cu_frame_bytes(const cu_framer *f, int64_t end, bool *cut);
/* The record at hand is `bytes`; reading goes on at `next`. */
void cu_frame_emit(cu_framer *f, cu_slice bytes, int64_t next,
                   int64_t next_line, cu_frame *out);

bool cu_frame_next_csv(cu_framer *f, cu_frame *out);
bool cu_frame_next_json(cu_framer *f, cu_frame *out);

#endif
