/** The Akka Streams pipeline of a device: drain, submit to the block node, complete. */
package io.vireo.actors.pipeline;
