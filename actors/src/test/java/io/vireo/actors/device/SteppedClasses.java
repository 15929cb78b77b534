package io.vireo.actors.device;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.lang.classfile.ClassTransform;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.MethodModel;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.util.Set;

/**
 * Our own classes once more, in which virtqueues ask {@link Interleaving} before each access to shared memory, eventfds
 * are signalled without an IOThread, and one method may be a mutant: what the simulation runs on, so that a mutant is one
 * of the product's code.
 */
final class SteppedClasses extends ClassLoader {
    private static final String MEMORY = "io/vireo/posix/Memory";
    private static final ClassDesc INTERLEAVING = ClassDesc.of("io.vireo.actors.device.Interleaving");
    private static final Set<String> DEVICE =
            Set.of("io.vireo.virtio.queue.SplitVirtqueue", "io.vireo.virtio.queue.PackedVirtqueue");
    private static final Set<String> DRIVER =
            Set.of("io.vireo.virtio.driver.SplitDriverVirtqueue", "io.vireo.virtio.driver.PackedDriverVirtqueue");
    private static final Set<String> SIGNALLING =
            Set.of("io.vireo.actors.device.DeviceShard", "io.vireo.actors.device.ServedVirtqueue");

    private static final ClassTransform SIGNALLING_HERE = ClassTransform.transformingMethodBodies((code, element) -> {
        if (element instanceof InvokeInstruction call && call.name().equalsString("signaller")) {
            code.invokestatic(INTERLEAVING, "signaller", call.typeSymbol().insertParameterTypes(0, call.owner().asSymbol()));
        } else {
            code.with(element);
        }
    });

    private final Mutant mutant;
    private boolean mutated;

    /** @param mutant null for classes as they are */
    SteppedClasses(Mutant mutant) {
        super(SteppedClasses.class.getClassLoader());
        this.mutant = mutant;
    }

    /** {@link DeviceSimulation#run} of these classes. */
    long run(long firstSeed, long schedules) throws ReflectiveOperationException {
        Object completed = loadClass(DeviceSimulation.class.getName()).getMethod("run", long.class, long.class)
                .invoke(null, firstSeed, schedules);
        if (mutant != null && !mutated) throw new IllegalStateException(mutant + " changes nothing");
        return (long) completed;
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith("io.vireo.")) return super.loadClass(name, resolve);
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : findClass(name);
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        try (InputStream file = getResourceAsStream(name.replace('.', '/') + ".class")) {
            if (file == null) throw new ClassNotFoundException(name);
            byte[] bytes = changed(name, file.readAllBytes());
            return defineClass(name, bytes, 0, bytes.length);
        } catch (IOException e) {
            throw new ClassNotFoundException(name, e);
        }
    }

    private byte[] changed(String name, byte[] bytes) {
        ClassFile format = ClassFile.of();
        byte[] changed = bytes;
        if (mutant != null && mutant.className().equals(name)) {
            changed = transformed(format, changed, ClassTransform.transformingMethodBodies(this::isMutant, mutant.change()));
        }
        if (DEVICE.contains(name)) changed = transformed(format, changed, asking("device"));
        if (DRIVER.contains(name)) changed = transformed(format, changed, asking("driver"));
        if (SIGNALLING.contains(name)) changed = transformed(format, changed, SIGNALLING_HERE);
        return changed;
    }

    private boolean isMutant(MethodModel method) {
        boolean is = method.methodName().equalsString(mutant.methodName());
        mutated |= is;
        return is;
    }

    private static byte[] transformed(ClassFile format, byte[] bytes, ClassTransform change) {
        ClassModel model = format.parse(bytes);
        return format.transformClass(model, change);
    }

    private static ClassTransform asking(String side) {
        CodeTransform ask = (CodeBuilder code, CodeElement element) -> {
            if (element instanceof InvokeInstruction call && call.owner().asInternalName().equals(MEMORY)) {
                code.invokestatic(INTERLEAVING, side, MethodTypeDesc.ofDescriptor("()V"));
            }
            code.with(element);
        };
        // A failure is described as it is.
        return ClassTransform.transformingMethodBodies(method -> !method.methodName().equalsString("toString"), ask);
    }
}
