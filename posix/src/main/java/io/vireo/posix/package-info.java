/** libc in types: descriptors, memory, sockets, files, processor affinity. The only package that links native code. */
package io.vireo.posix;
