package io.vireo.daemon;

/** Something the operator can mend, with the exit status that says of which kind. */
class OperatorException extends RuntimeException {
    private final int status;

    OperatorException(int status, String message) {
        super(message);
        this.status = status;
    }

    int status() {
        return status;
    }
}
