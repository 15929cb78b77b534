package io.vireo.actors.pipeline;

import akka.stream.Attributes;
import akka.stream.FlowShape;
import akka.stream.Inlet;
import akka.stream.Outlet;
import akka.stream.stage.AbstractInHandler;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStage;
import akka.stream.stage.GraphStageLogic;
import io.vireo.actors.device.DeviceShard;
import io.vireo.actors.device.RequestBatch;

/**
 * Hands batches to the block node and emits batches of what is done, in the order in which it came back: what goes in
 * together need not come out together. Holds nothing itself: requests in flight are the shard's.
 */
final class SubmitStage extends GraphStage<FlowShape<RequestBatch, RequestBatch>> {
    private final Inlet<RequestBatch> in = Inlet.create("submit.in");
    private final Outlet<RequestBatch> out = Outlet.create("submit.out");
    private final FlowShape<RequestBatch, RequestBatch> shape = FlowShape.of(in, out);
    private final DeviceShard shard;

    SubmitStage(DeviceShard shard) {
        this.shard = shard;
    }

    @Override
    public FlowShape<RequestBatch, RequestBatch> shape() {
        return shape;
    }

    @Override
    public GraphStageLogic createLogic(Attributes inherited) {
        return new Logic();
    }

    private final class Logic extends GraphStageLogic {
        private final AsyncCallback<Boolean> completions = createAsyncCallback(_ -> emit());

        Logic() {
            super(shape);
            setHandler(in, new AbstractInHandler() {
                @Override
                public void onPush() {
                    shard.submit(grab(in));
                    emit();
                    pull(in);
                }
            });
            setHandler(out, new AbstractOutHandler() {
                @Override
                public void onPull() {
                    emit();
                    if (!hasBeenPulled(in)) pull(in);
                }
            });
        }

        @Override
        public void preStart() {
            shard.onCompletions(() -> completions.invoke(Boolean.TRUE));
        }

        private void emit() {
            if (!isAvailable(out)) return;
            RequestBatch done = shard.nextCompleted();
            if (done != null) push(out, done);
        }
    }
}
