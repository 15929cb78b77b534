/** A Linux guest under QEMU's software emulation, and what it proves about a disk of ours. */
package io.vireo.test.guest;
