package com.example.vmm;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/** The machine as its owner sees it: memory and disks, which outlive resets, and what can be done to it while it runs. */
final class Machine implements AutoCloseable {
    private final Kvm kvm;
    private final Ram ram;
    private final int cpus;
    private final List<MmioDisk> disks;
    private final OutputStream console;
    private PowerCycle cycle;
    private boolean quit;

    /** @param disks put into this list by the caller, taken out of it here when they are unplugged */
    Machine(Kvm kvm, Ram ram, int cpus, List<MmioDisk> disks, OutputStream console) {
        this.kvm = kvm;
        this.ram = ram;
        this.cpus = cpus;
        this.disks = disks;
        this.console = console;
    }

    /** Switches it on, runs it, and again after each reset if so wanted. */
    Outcome run(Program program, boolean rebootAllowed) throws InterruptedException {
        return run(cycle -> cycle.load(program, ram), program, rebootAllowed);
    }

    /** Goes on where a snapshot was taken; memory and disks have what is theirs of it already. */
    Outcome resume(Snapshot snapshot, Program program, boolean rebootAllowed) throws InterruptedException {
        for (MmioDisk disk : disks) disk.device().resume();
        return run(cycle -> cycle.restore(snapshot.machine()), program, rebootAllowed);
    }

    private Outcome run(Consumer<PowerCycle> first, Program program, boolean rebootAllowed) throws InterruptedException {
        Consumer<PowerCycle> begin = first;
        while (true) {
            Outcome outcome;
            try (PowerCycle next = switchOn(begin)) {
                outcome = next.run();
            }
            for (MmioDisk disk : disks) disk.reset();
            if (outcome != Outcome.RESET || !rebootAllowed) return outcome;
            begin = cycle -> cycle.load(program, ram);
        }
    }

    private PowerCycle switchOn(Consumer<PowerCycle> begin) {
        PowerCycle next = new PowerCycle(kvm, ram, cpus, disks, console);
        begin.accept(next);
        synchronized (this) {
            cycle = next;
            if (quit) cycle.end(Outcome.QUIT);
            notifyAll();
        }
        return next;
    }

    private synchronized PowerCycle cycle() throws InterruptedException {
        while (cycle == null) wait();
        return cycle;
    }

    /** What is typed on its console. */
    void type(byte key) throws InterruptedException {
        cycle().serial().receive(key);
    }

    /** Ends it as if the power had failed, or does not let it begin. */
    synchronized void quit() {
        quit = true;
        if (cycle != null) cycle.end(Outcome.QUIT);
    }

    /** Stops processors, then disks: whatever the guest has asked for before is still done. */
    void pause() throws InterruptedException {
        if (!cycle().pause()) return;
        for (MmioDisk disk : disks) disk.device().quiesce().join();
    }

    /** Pauses, and writes a snapshot; it fits the images as long as nobody says {@link #resume}. */
    void save(Path folder) throws InterruptedException, IOException {
        pause();
        Snapshot.save(folder, ram, disks, cycle());
    }

    void resume() throws InterruptedException {
        for (MmioDisk disk : disks) disk.device().resume();
        cycle().resume();
    }

    void resize(String disk, long sizeBytes) {
        disk(disk).device().resize(sizeBytes, false);
    }

    /**
     * Takes a disk out. Virtio-mmio has no way to ask the guest first: it is its operator who ends its use there, by
     * unbinding the driver. Who does not loses what the guest had not written yet.
     */
    void unplug(String name) {
        MmioDisk disk = disk(name);
        disk.close();
        disks.remove(disk);
    }

    List<MmioDisk> disks() {
        return disks;
    }

    private MmioDisk disk(String name) {
        return disks.stream().filter(disk -> disk.device().name().equals(name)).findFirst()
                .orElseThrow(() -> new KvmException("there is no disk " + name));
    }

    @Override
    public void close() {
        disks.forEach(MmioDisk::close);
    }
}
