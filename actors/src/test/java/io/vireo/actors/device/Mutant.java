package io.vireo.actors.device;

import java.lang.classfile.CodeBuilder;
import java.lang.classfile.CodeElement;
import java.lang.classfile.CodeTransform;
import java.lang.classfile.Opcode;
import java.lang.classfile.instruction.InvokeInstruction;
import java.lang.constant.ClassDesc;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.Map;

/**
 * A mistake in one method of the product: some of its calls go elsewhere.
 *
 * @param change of the method's code
 */
record Mutant(String name, String className, String methodName, CodeTransform change) {
    private static final ClassDesc MISTAKES = ClassDesc.of("io.vireo.actors.device.Mistakes");

    /** What becomes of one call. */
    interface Instead {
        void of(CodeBuilder code, InvokeInstruction call);
    }

    /** In {@code className.methodName} the calls with these simple names become something else. */
    static Mutant of(String name, String className, String methodName, Map<String, Instead> calls) {
        return new Mutant(name, "io.vireo." + className, methodName, (CodeBuilder code, CodeElement element) -> {
            Instead instead = element instanceof InvokeInstruction call ? calls.get(call.name().stringValue()) : null;
            if (instead != null) instead.of(code, (InvokeInstruction) element);
            else code.with(element);
        });
    }

    /** The method of that name in {@link Mistakes}, which takes the receiver as well if there is one. */
    static Instead mistake(String method) {
        return (code, call) -> {
            MethodTypeDesc type = call.typeSymbol();
            boolean isStatic = call.opcode() == Opcode.INVOKESTATIC;
            code.invokestatic(MISTAKES, method,
                    isStatic ? type : type.insertParameterTypes(0, call.owner().asSymbol()));
        };
    }

    /** Of a call without parameters on an object: nothing, and false or 0 as its result. */
    static Instead nothing() {
        return (code, call) -> {
            code.pop();
            if (call.typeSymbol().returnType().equals(ConstantDescs.CD_long)) code.lconst_0();
            else code.iconst_0();
        };
    }

    @Override
    public String toString() {
        return name;
    }
}
