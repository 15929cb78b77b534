/** The monitor: connections that speak QMP's framing, and the commands that they may give. */
package io.vireo.actors.monitor;
