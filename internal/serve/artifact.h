/*
 * The bytes of model versions on this controller. Private to the folder.
 *
 *   client --UploadArtifact--> any controller R: part -> checked -> whole
 *     R --OfferArtifact--> leader --log: OFFERED by R--> every controller: what is OFFERED or STORED and not here is
 *       fetched (DownloadArtifact from R or another), checked, kept
 *     each --ReportArtifacts--> leader: a majority of the voters has it --log: STORED--> R answers the client
 *
 * Every step can be repeated and none holds a lock, so whoever dies is made up for by the same rules: an offer stands
 * in the log, reports are sent again each second, what is missing is fetched again. A file that nothing refers to is
 * removed when the leader, after a quorum confirmed it, agrees that nothing does.
 *
 *   artifact.c           what is here, what should be; offers, reports, removal
 *   artifact_fetch.c     from another controller       artifact_upload.c    from a client
 *   artifact_download.c  to either; checking again     model.c              promotion, rollback, retention
 */
#pragma once

#include "node/artifact.h"
#include "serve/controller_priv.h"

#define PT_ARTIFACT_UPLOADS_MAX 8   /* at a time, on one controller */
#define PT_ARTIFACT_DOWNLOADS_MAX 8 /* each reads a whole file */
#define PT_ARTIFACT_FETCHES_MAX 2
#define PT_ARTIFACT_HEX_SIZE 65

struct pt_artifact_held { /* in pt_artifacts.held, by digest */
    bool whole;           /* false: only the part of a fetch */
    uint64_t touched_ms;  /* somebody counted on it then */
};

struct pt_artifact_wanted { /* what the state refers to */
    const char *name, *digest, *offered_by;
    uint64_t size;
    uint32_t state; /* Patronus__V1__ArtifactState */
    bool deleted;   /* to be kept, not to be fetched */
};

struct pt_artifacts {
    struct pt_controller *controller;
    char directory[1024];
    struct pt_executor *work; /* NULL before the first */
    uint32_t kind_id, model_kind_id;
    bool closing;

    struct pt_map held;
    struct pt_arena arena; /* of wanted */
    struct pt_artifact_wanted *wanted;
    size_t wanted_len, wanted_capacity;
    bool dirty;             /* wanted is of an older state */
    bool retain;            /* models or versions changed: look at what is to be kept */
    uint64_t read_ms;       /* when wanted was read */
    struct pt_timer *timer; /* soon after a change */

    struct pt_list uploads, fetches;
    size_t uploads_len, fetches_len, downloads_len;
    unsigned upload_number;  /* of the newest part */
    struct pt_map tried;     /* digest -> struct tried: fetches that failed */
    struct pt_map reporters; /* leader: digest -> struct reporters: who has it */
    bool reporting, collecting, checking;
    uint64_t report_ms, collect_ms, asked_ms;
    uint64_t check_ms; /* when every file is to be read again */
    size_t check_at;
};

/* ---- artifact.c ----------------------------------------------------------------------------------------------- */
struct pt_artifacts *pt_artifacts_new(struct pt_controller *controller);
void pt_artifacts_close(struct pt_artifacts *artifacts); /* the doors are closed: end what is under way */
void pt_artifacts_free(struct pt_artifacts *artifacts);  /* NULL is fine; also after a simulated crash */
void pt_artifacts_applied(struct pt_artifacts *artifacts, const struct pt_watch_event *events, size_t len);
void pt_artifacts_tick(struct pt_artifacts *artifacts);

struct pt_executor *pt_artifacts_work(struct pt_artifacts *artifacts);
bool pt_artifacts_has(const struct pt_artifacts *artifacts, const char *digest);
/* A whole file came, or was damaged and goes. */
void pt_artifacts_came(struct pt_artifacts *artifacts, const char *digest);
void pt_artifacts_lost(struct pt_artifacts *artifacts, const char *digest);
/* Somebody counts on it: not to be collected by a question that was asked before. */
void pt_artifacts_touch(struct pt_artifacts *artifacts, const char *digest, bool whole);
/* The command that tells the log who has the bytes of a version. */
void pt_artifacts_offer(struct pt_controller *controller, const struct pt_caller *caller, const char *name,
                        const char *digest, const char *offered_by, struct pt_buf *out);
/* The wanted entry that a version is; NULL. */
const struct pt_artifact_wanted *pt_artifacts_find(const struct pt_artifacts *artifacts, const char *name);
extern const struct pt_serve_method pt_serve_offer_artifact, pt_serve_report_artifacts;

/* ---- artifact_upload.c, artifact_download.c ------------------------------------------------------------------- */
extern const struct pt_serve_method pt_serve_upload_artifact, pt_serve_download_artifact;
void pt_artifact_uploads_move(struct pt_artifacts *artifacts); /* the state, or time, has moved on */
void pt_artifact_check_next(struct pt_artifacts *artifacts);

/* ---- artifact_fetch.c ----------------------------------------------------------------------------------------- */
void pt_artifact_fetch_more(struct pt_artifacts *artifacts);
void pt_artifact_fetch_close(struct pt_artifacts *artifacts);
void pt_artifact_fetch_forget(struct pt_artifacts *artifacts); /* free, without a word to anybody */

/* ---- model.c -------------------------------------------------------------------------------------------------- */
extern const struct pt_serve_method pt_serve_promote_version, pt_serve_rollback_model;
void pt_models_retain(struct pt_controller *controller);
