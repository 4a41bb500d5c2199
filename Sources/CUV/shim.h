#include <uv.h>

#include <arpa/nameser.h>
#include <malloc.h>
#include <resolv.h>
#include <string.h>

/* One TXT query with a resolver state of its own; the number of bytes of the answer, or -1. Blocks for at most 8 s. */
static inline int rialto_query_text(const char *name, unsigned char *answer, int capacity) {
    struct __res_state state;
    memset(&state, 0, sizeof state);
    if (res_ninit(&state) != 0) return -1;
    state.retrans = 2;
    state.retry = 2;
    if (state.nscount > 2) state.nscount = 2;
    int count = res_nquery(&state, name, ns_c_in, ns_t_txt, answer, capacity);
    res_nclose(&state);
    return count;
}

/* accept4(2), which is a GNU extension: the new socket neither blocks nor survives exec. */
extern int accept4(int descriptor, struct sockaddr *address, socklen_t *byte_count, int flags);
static inline int rialto_accept(int descriptor, struct sockaddr *address, socklen_t *byte_count) {
    return accept4(descriptor, address, byte_count, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

/* Keeps so many free bytes of the heap, and maps only larger blocks by themselves (mallopt(3), a GNU extension). */
static inline void rialto_keep_heap(int kept_byte_count, int block_byte_count_max) {
    mallopt(M_MMAP_THRESHOLD, block_byte_count_max);
    mallopt(M_TRIM_THRESHOLD, kept_byte_count);
}
