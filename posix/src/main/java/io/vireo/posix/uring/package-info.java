/** io_uring over the three system calls: rings, operations and completions; no policy and no threads. */
package io.vireo.posix.uring;
