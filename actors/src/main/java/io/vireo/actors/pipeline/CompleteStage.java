package io.vireo.actors.pipeline;

import akka.Done;
import akka.japi.Pair;
import akka.stream.Attributes;
import akka.stream.Inlet;
import akka.stream.SinkShape;
import akka.stream.stage.AbstractGraphStageWithMaterializedValue;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.GraphStageLogic;
import io.vireo.actors.device.DeviceShard;
import io.vireo.actors.device.RequestBatch;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/** The end of the pipeline: the used rings are written. Its future tells when and why the pipeline ended. */
final class CompleteStage
        extends AbstractGraphStageWithMaterializedValue<SinkShape<RequestBatch>, CompletionStage<Done>> {
    private final Inlet<RequestBatch> in = Inlet.create("complete.in");
    private final SinkShape<RequestBatch> shape = SinkShape.of(in);
    private final DeviceShard shard;

    CompleteStage(DeviceShard shard) {
        this.shard = shard;
    }

    @Override
    public SinkShape<RequestBatch> shape() {
        return shape;
    }

    @Override
    public Pair<GraphStageLogic, CompletionStage<Done>> createLogicAndMaterializedValuePair(Attributes inherited) {
        Logic logic = new Logic();
        return Pair.create(logic, logic.ended);
    }

    private final class Logic extends GraphStageLogic {
        private final CompletableFuture<Done> ended = new CompletableFuture<>();

        Logic() {
            super(shape);
            setHandler(in, new AbstractInHandler() {
                @Override
                public void onPush() {
                    try {
                        shard.finish(grab(in));
                    } catch (RuntimeException | Error e) {
                        // Of a stage that fails itself, Akka tells its neighbours, and not the stage.
                        ended.completeExceptionally(e);
                        throw e;
                    }
                    pull(in);
                }

                @Override
                public void onUpstreamFailure(Throwable reason) {
                    ended.completeExceptionally(reason);
                    failStage(reason);
                }
            });
        }

        @Override
        public void preStart() {
            pull(in);
        }

        /** The one hook that is sure to run, whatever ended the stage. */
        @Override
        public void postStop() {
            ended.complete(Done.getInstance());
        }
    }
}
