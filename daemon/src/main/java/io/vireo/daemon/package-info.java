/** The command line: reads what the operator asked for, builds the objects, and decides the exit status. */
package io.vireo.daemon;
