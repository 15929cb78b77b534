package io.vireo.actors.pipeline;

import io.vireo.actors.device.RequestBatch;

/** The door of a running pipeline. Thread: the pipeline's IOThread. */
@FunctionalInterface
public interface BatchInlet {
    void offer(RequestBatch batch);
}
