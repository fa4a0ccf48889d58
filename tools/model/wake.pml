/* How other threads wake a loop and stop it: src/core/inbox.*, LoopCore::run, IocpPort::wake.
 *
 * The claims, each an assertion or the end of every process (pan takes a process that cannot go on
 * for an error): no closure waits while the loop sleeps; a stop, whenever it comes, ends the loop;
 * every accepted closure is run or destroyed; no turn without a reason; nobody wakes a selector
 * that is gone. docs/design.md tells the protocol in words.
 *
 * The bounds: one loop, POSTERS threads that post POSTS closures each, a box for LIMIT of them, one
 * stop, EVENTS waits that end for another reason than a wake. Steps of different processes mix in
 * every order. Beyond the interleavings, what C++ allows to the accesses that are relaxed is here
 * as a choice: the loop's own look may come too early, and its "I am awake" may be seen too late.
 *
 * What is left out: the closures of the loop's own thread, which no other thread sees; closures
 * that throw (the rest of the batch is the loop's own, too); guests, which have another host.
 *
 * PLAIN_WAKER is the waker of an eventfd or a pipe; without it, the one that counts raised wakes in
 * a flag (Windows). Each BUG_ is a mistake that tools/model/check must see found.
 */
#ifndef POSTERS
#define POSTERS 2
#endif
#ifndef POSTS
#define POSTS 2
#endif
#ifndef LIMIT
#define LIMIT 2
#endif
#ifndef EVENTS
#define EVENTS 2
#endif
/* A batch for each closure, a wake for each closure and the stop, each event, a late look, and the
   turn that sees the stop. */
#define MOST_TURNS (2 * POSTERS * POSTS + 1 + EVENTS + 2)

bool is_locked, is_selector_there = true;
bool is_asleep, has_foreign, stop_requested;
bool is_readable, is_raised;           /* the waker */
byte queued, accepted, ran, destroyed; /* closures */
byte turns, events, posters_done;
bool looked_too_early;

inline lock() { atomic { !is_locked -> is_locked = true } }
inline unlock() { is_locked = false }

inline wake() {
    assert(is_selector_there);
#ifdef PLAIN_WAKER
    is_readable = true;
#else
    d_step { was = is_raised; is_raised = true }
    if
    :: !was -> is_readable = true
    :: else
    fi;
#endif
}

inline drain() {
#ifdef PLAIN_WAKER
    is_readable = false;
#elif defined(BUG_LOWER_FIRST)
    is_raised = false;
    is_readable = false;
#else
    is_readable = false;
    is_raised = false;
#endif
}

inline wake_if_asleep() {
    d_step { was = is_asleep; is_asleep = false }
    if
    :: was -> wake()
    :: else
    fi
}

inline announce() {
#ifdef BUG_WAKE_BEFORE_ANNOUNCING
    wake_if_asleep();
    has_foreign = true;
#elif defined(BUG_WAKE_OUTSIDE_LOCK)
    has_foreign = true;
#else
    has_foreign = true;
    wake_if_asleep();
#endif
}

inline post() {
    lock();
    is_first = false;
    if
    :: !is_selector_there || queued >= LIMIT
    :: else ->
        d_step { queued++; accepted++ }
#ifdef BUG_ANNOUNCE_THE_SECOND
        is_first = (queued == 2);
#else
        is_first = (queued == 1);
#endif
        if
        :: is_first -> announce()
        :: else
        fi
    fi;
    unlock();
#ifdef BUG_WAKE_OUTSIDE_LOCK
    if
    :: is_first -> wake_if_asleep()
    :: else
    fi;
#endif
}

inline stop() {
    lock();
    if
    :: is_selector_there ->
        stop_requested = true;
#ifndef BUG_STOP_WITHOUT_WAKE
        wake_if_asleep();
#endif
    :: else
    fi;
    unlock();
}

active [POSTERS] proctype poster() {
    bool was, is_first;
    byte posts;
    do
    :: posts < POSTS -> post(); posts++
    :: else -> break
    od;
    posters_done++;
}

/* At any moment, or when nothing else can move: then nothing may have been forgotten. */
active proctype stopper() {
    bool was, waits_for_quiet;
    if
    :: waits_for_quiet = true
    :: skip
    fi;
    if
    :: waits_for_quiet -> timeout; assert(posters_done == POSTERS && accepted == ran)
    :: else
    fi;
    stop();
}

/* The store is relaxed, and producers may see it late: until the next one, at most. */
inline after_wait() {
    if
    :: is_asleep = false
    :: skip
    fi
}

inline may_sleep() {
#ifdef BUG_LOOK_BEFORE_SLEEP
    may_block = !has_foreign && !stop_requested;
    is_asleep = true;
#else
    is_asleep = true;
    may_block = !has_foreign;
#ifndef BUG_SLEEP_OVER_STOP
    if
    :: may_block && stop_requested -> may_block = false
    :: else
    fi;
#endif
#endif
    if
    :: !may_block -> after_wait()
    :: else
    fi
#ifdef BUG_DRAIN_BEFORE_SLEEP
    drain();
#endif
}

/* The waker may be ready, and another event be the one that is reported. */
inline wait() {
    if
    :: is_readable -> drain()
    :: !may_block && !is_readable -> skip
    :: events < EVENTS -> events++
    fi
}

inline run_closures() {
    if
    :: has_foreign ->
        lock();
        batch = queued;
        queued = 0;
#ifdef BUG_CLEAR_AFTER_UNLOCK
        unlock();
        has_foreign = false;
#else
        has_foreign = false;
        unlock();
#endif
        d_step { ran = ran + batch; batch = 0 }
    :: else
    fi
}

inline close_box() {
    lock();
    is_selector_there = false;
    d_step { destroyed = queued; queued = 0 }
    has_foreign = false;
    assert(accepted == ran + destroyed);
    unlock()
}

active proctype loop_thread() {
    bool may_block;
    byte batch;
    do
    :: stop_requested -> stop_requested = false; break
    :: !stop_requested || !looked_too_early ->
        looked_too_early = looked_too_early || stop_requested;
        turns++;
        assert(turns <= MOST_TURNS);
        if
        :: may_block = !has_foreign
        :: may_block = true /* looked too early */
        fi;
        if
        :: may_block -> may_sleep()
        :: else
        fi;
        wait();
        after_wait();
        run_closures()
    od;
    close_box()
}
