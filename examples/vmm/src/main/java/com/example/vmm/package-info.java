/**
 * A small virtual machine monitor on KVM, whose disks are Vireo's: {@link com.example.vmm.MmioDisk} is all that ties them.
 * Begin with {@link com.example.vmm.Machine}.
 */
package com.example.vmm;
