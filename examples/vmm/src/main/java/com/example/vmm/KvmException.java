package com.example.vmm;

/** What the one who starts the machine can mend: said in a line, without a trace. */
final class KvmException extends RuntimeException {
    private static final long serialVersionUID = 1;

    KvmException(String message) {
        super(message);
    }
}
