package io.vireo.actors.pipeline;

import akka.japi.Pair;
import akka.stream.Attributes;
import akka.stream.Outlet;
import akka.stream.SourceShape;
import akka.stream.stage.AbstractGraphStageWithMaterializedValue;
import akka.stream.stage.AbstractOutHandler;
import akka.stream.stage.AsyncCallback;
import akka.stream.stage.GraphStageLogic;
import io.vireo.actors.device.RequestBatch;
import java.util.ArrayDeque;

/**
 * The head of the pipeline: what the device actor drained, in order. Holds the batches that were offered and not pulled,
 * never more than the device has. Ends only with the device.
 */
final class DrainStage extends AbstractGraphStageWithMaterializedValue<SourceShape<RequestBatch>, BatchInlet> {
    private final Outlet<RequestBatch> out = Outlet.create("drain.out");
    private final SourceShape<RequestBatch> shape = SourceShape.of(out);

    @Override
    public SourceShape<RequestBatch> shape() {
        return shape;
    }

    @Override
    public Pair<GraphStageLogic, BatchInlet> createLogicAndMaterializedValuePair(Attributes inherited) {
        Logic logic = new Logic();
        return Pair.create(logic, logic);
    }

    private final class Logic extends GraphStageLogic implements BatchInlet {
        private final ArrayDeque<RequestBatch> offered = new ArrayDeque<>();
        private final AsyncCallback<Boolean> poke = createAsyncCallback(_ -> onPoke());
        private boolean poked;

        Logic() {
            super(shape);
            setHandler(out, new AbstractOutHandler() {
                @Override
                public void onPull() {
                    if (!offered.isEmpty()) push(out, offered.remove());
                }
            });
        }

        /** One asynchronous call for however many batches are offered before it runs. */
        @Override
        public void offer(RequestBatch batch) {
            offered.add(batch);
            if (poked) return;
            poked = true;
            poke.invoke(Boolean.TRUE);
        }

        private void onPoke() {
            poked = false;
            if (isAvailable(out) && !offered.isEmpty()) push(out, offered.remove());
        }
    }
}
