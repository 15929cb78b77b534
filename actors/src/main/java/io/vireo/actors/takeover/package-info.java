/** A live upgrade: one process hands what it serves to another, while front-ends see a pause. */
package io.vireo.actors.takeover;
