package com.example.vmm;

/** The machine's I/O ports. Where there is nothing, writes have no effect and reads give ones, as on a PC. */
final class Ports {
    private static final int SERIAL_PORTS = 8;
    private static final int PORT_PM1_ENABLE = Board.PORT_PM1_EVENT + 2;

    private final Serial serial;
    private final Power power;

    Ports(Serial serial, Power power) {
        this.serial = serial;
        this.power = power;
    }

    int read(int port) {
        if (isSerial(port)) return serial.read(port - Board.PORT_SERIAL);
        return switch (port) {
            case Board.PORT_PM1_EVENT -> 0;                               // no event ever happened
            case PORT_PM1_ENABLE -> power.enabledEvents();
            case Board.PORT_PM1_CONTROL -> power.readControl();
            default -> ~0;
        };
    }

    void write(int port, int value) {
        if (isSerial(port)) serial.write(port - Board.PORT_SERIAL, value);
        else if (port == PORT_PM1_ENABLE) power.enableEvents(value);
        else if (port == Board.PORT_PM1_CONTROL) power.writeControl(value);
        else if (port == Board.PORT_KEYBOARD_CONTROLLER) power.writeKeyboardController(value);
    }

    private static boolean isSerial(int port) {
        return port >= Board.PORT_SERIAL && port < Board.PORT_SERIAL + SERIAL_PORTS;
    }
}
