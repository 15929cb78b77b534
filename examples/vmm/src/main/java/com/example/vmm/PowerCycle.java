package com.example.vmm;

import java.io.ByteArrayInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/** A machine from power-on to power-off or reset: KVM's part of it, its processors and its serial port. */
final class PowerCycle implements AutoCloseable {
    private final KvmVm vm;
    private final int[] msrs;
    private final List<Cpu> cpus = new ArrayList<>();
    private final List<MmioDisk> disks;
    private final Gate gate;
    private final Serial serial;
    private final Ports ports;
    private boolean closed;
    private final CompletableFuture<Outcome> ended = new CompletableFuture<>();

    /** Switches it on; nothing runs yet. */
    PowerCycle(Kvm kvm, Ram ram, int cpuCount, List<MmioDisk> disks, OutputStream console) {
        this.disks = disks;
        gate = new Gate(cpuCount);
        vm = kvm.createVm();
        msrs = kvm.savedMsrs();
        vm.createInterruptControllersAndTimer();
        List<Ram.Part> parts = ram.parts();
        for (int slot = 0; slot < parts.size(); slot++) {
            vm.setMemory(slot, parts.get(slot).gpa(), ram.segment(parts.get(slot)));
        }
        for (MmioDisk disk : disks) disk.connect(vm);
        serial = new Serial(console, this::interruptOfSerial);
        ports = new Ports(serial, new Power(ended::complete));
        for (int id = 0; id < cpuCount; id++) {
            Cpu cpu = new Cpu(id, vm.createVcpu(id), this);
            Cpuid cpuid = kvm.supportedCpuid();
            cpuid.setApicId(id, cpuCount);
            cpu.vcpu.setCpuid(cpuid);
            cpus.add(cpu);
        }
    }

    /** Lets the first processor begin with a program. The others wait for it to start them, as they do on a PC. */
    void load(Program program, Ram ram) {
        AcpiTables acpi = new AcpiTables(cpus.size(), disks.stream().mapToInt(MmioDisk::slot).toArray());
        acpi.writeTo(ram.low());
        KvmVcpu first = cpus.getFirst().vcpu;
        Registers registers = new Registers(first.get(Ioctl.GET_SREGS));
        program.load(ram, acpi, registers);
        first.set(Ioctl.SET_SREGS, registers.special());
        first.set(Ioctl.SET_REGS, registers.general());
    }

    int cpuCount() {
        return cpus.size();
    }

    /** While paused: controllers, timers, processors and serial port. */
    void save(DataOutputStream out) throws IOException {
        for (int chip = 0; chip < KvmVm.IRQCHIPS; chip++) out.write(vm.get(Ioctl.GET_IRQCHIP, chip));
        out.write(vm.get(Ioctl.GET_PIT2, 0));
        byte[] clock = vm.get(Ioctl.GET_CLOCK, 0);
        Arrays.fill(clock, Long.BYTES, clock.length, (byte) 0);     // the time, and nothing about how it was found
        out.write(clock);
        for (Cpu cpu : cpus) CpuState.save(cpu.vcpu, msrs, out);
        out.write(serial.save());
    }

    /** Instead of {@link #load}. */
    void restore(byte[] state) {
        try (DataInputStream in = new DataInputStream(new ByteArrayInputStream(state))) {
            for (int chip = 0; chip < KvmVm.IRQCHIPS; chip++) {
                vm.set(Ioctl.SET_IRQCHIP, CpuState.read(in, Ioctl.SET_IRQCHIP.argumentBytes()));
            }
            vm.set(Ioctl.SET_PIT2, CpuState.read(in, Ioctl.SET_PIT2.argumentBytes()));
            vm.set(Ioctl.SET_CLOCK, CpuState.read(in, Ioctl.SET_CLOCK.argumentBytes()));
            for (Cpu cpu : cpus) {
                CpuState.load(cpu.vcpu, in);
                cpu.vcpu.markPaused();
            }
            serial.load(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        // An interrupt that was on its way when the machine was saved may be in nobody's state; one too many does no harm.
        for (MmioDisk disk : disks) disk.interrupt(vm);
    }

    /** Runs to its end. */
    Outcome run() {
        cpus.forEach(Cpu::start);
        return ended.join();
    }

    void end(Outcome outcome) {
        ended.complete(outcome);
    }

    void breakDown(String why) {
        System.err.println("\r\nvm: " + why);
        end(Outcome.BROKEN);
    }

    /** Answers when no processor runs; false when the machine has ended. */
    boolean pause() throws InterruptedException {
        gate.pause();
        cpus.forEach(Cpu::interrupt);
        return gate.awaitAll();
    }

    void resume() {
        if (!gate.isPaused()) return;
        cpus.forEach(cpu -> cpu.vcpu.markPaused());
        gate.resume();
    }

    Gate gate() {
        return gate;
    }

    Ports ports() {
        return ports;
    }

    Serial serial() {
        return serial;
    }

    /** The guest reads what is no RAM; where there is nothing it gets ones. */
    long readMemory(long gpa, int bytes) {
        for (MmioDisk disk : disks) if (disk.contains(gpa)) return disk.read(gpa, bytes);
        return ~0L;
    }

    void writeMemory(long gpa, int bytes, long value) {
        for (MmioDisk disk : disks) if (disk.contains(gpa)) disk.write(gpa, bytes, value);
    }

    /** Somebody may still be typing when the machine has ended. */
    private synchronized void interruptOfSerial(boolean high) {
        if (!closed) vm.setInterruptLine(Board.IRQ_SERIAL, high);
    }

    @Override
    public void close() {
        gate.end();
        cpus.forEach(Cpu::interrupt);
        for (Cpu cpu : cpus) cpu.close();
        synchronized (this) {
            closed = true;
            vm.close();
        }
    }
}
