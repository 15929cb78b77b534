/** Protocol nodes on host files and block devices, the engines that do their I/O, and QEMU's image locks. */
package io.vireo.storage.file;
