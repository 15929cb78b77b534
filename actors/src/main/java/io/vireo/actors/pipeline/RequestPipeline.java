package io.vireo.actors.pipeline;

import akka.Done;
import akka.japi.Pair;
import akka.stream.ActorAttributes;
import akka.stream.Attributes;
import akka.stream.Materializer;
import akka.stream.javadsl.Keep;
import akka.stream.javadsl.Sink;
import akka.stream.javadsl.Source;
import io.vireo.actors.device.DeviceShard;
import java.util.concurrent.CompletionStage;

/** Drain, submit, complete: the road of a device's batches, fused and run on its IOThread. */
public final class RequestPipeline {
    private RequestPipeline() {}

    /**
     * Runs a pipeline.
     *
     * @param dispatcher of the shard's IOThread
     * @return its door, and what completes when it ends, with the reason when it failed
     */
    public static Pair<BatchInlet, CompletionStage<Done>> run(
            DeviceShard shard, Materializer materializer, String dispatcher) {
        return Source.fromGraph(new DrainStage())
                .via(new SubmitStage(shard))
                .toMat(Sink.fromGraph(new CompleteStage(shard)), Keep.both())
                .withAttributes(ActorAttributes.dispatcher(dispatcher).and(Attributes.inputBuffer(1, 1)))
                .run(materializer);
    }
}
