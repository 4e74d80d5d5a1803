"""The tray and the keyring as the message bus shows them: says one line of JSON.

bus.py item PID         {"name", "path", "menu", "status", "title"}: the tray item of a process, null without one
bus.py layout NAME PATH [[id, label, enabled, [children]], …]
bus.py click NAME PATH ID
bus.py owned NAME       whether somebody owns a name on the bus
bus.py lock             locks the keyring
bus.py unlock PASSWORD  unlocks it, as a login does
"""

import json
import sys

import dbus

bus = dbus.SessionBus()
daemon = dbus.Interface(bus.get_object("org.freedesktop.DBus", "/org/freedesktop/DBus"), "org.freedesktop.DBus")


def properties(name, path, interface):
    return dbus.Interface(bus.get_object(name, path), "org.freedesktop.DBus.Properties").GetAll(interface)


def item(pid):
    watcher = "org.kde.StatusNotifierWatcher"
    items = properties(watcher, "/StatusNotifierWatcher", watcher)["RegisteredStatusNotifierItems"]
    for entry in items:
        name, slash, path = entry.partition("/")
        # The item of a process that has ended may still be listed.
        if daemon.NameHasOwner(name) and daemon.GetConnectionUnixProcessID(name) == pid:
            known = properties(name, slash + path, "org.kde.StatusNotifierItem")
            return {
                "name": name,
                "path": slash + path,
                "menu": known["Menu"],
                "status": known["Status"],
                "title": known["Title"],
            }
    return None


def layout(name, path):
    menu = dbus.Interface(bus.get_object(name, path), "com.canonical.dbusmenu")

    def entries(children):
        for number, known, below in children:
            if known.get("type") != "separator" and known.get("visible", True):
                label = str(known.get("label", "")).replace("_", "")
                yield [int(number), label, bool(known.get("enabled", True)), list(entries(below))]

    return list(entries(menu.GetLayout(0, -1, dbus.Array([], signature="s"))[1][2]))


def click(name, path, number):
    menu = dbus.Interface(bus.get_object(name, path), "com.canonical.dbusmenu")
    menu.Event(int(number), "clicked", dbus.Int32(0, variant_level=1), dbus.UInt32(0))


def keyring(interface):
    return dbus.Interface(bus.get_object("org.freedesktop.secrets", "/org/freedesktop/secrets"), interface)


def collections():
    return keyring("org.freedesktop.DBus.Properties").Get("org.freedesktop.Secret.Service", "Collections")


def lock():
    keyring("org.freedesktop.Secret.Service").Lock(collections())


def unlock(password):
    # gnome-keyring's own way in for programs that know the password.
    _, session = keyring("org.freedesktop.Secret.Service").OpenSession("plain", dbus.String("", variant_level=1))
    secret = dbus.Struct((session, dbus.ByteArray(), dbus.ByteArray(password.encode()), "text/plain"), signature="oayays")
    for path in collections():
        if not path.endswith("/session"):
            keyring("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface").UnlockWithMasterPassword(path, secret)


match sys.argv[1:]:
    case ["item", pid]:
        said = item(int(pid))
    case ["layout", name, path]:
        said = layout(name, path)
    case ["click", name, path, number]:
        said = click(name, path, number)
    case ["owned", name]:
        said = bool(daemon.NameHasOwner(name))
    case ["lock"]:
        said = lock()
    case ["unlock", password]:
        said = unlock(password)
    case _:
        sys.exit(__doc__)
print(json.dumps(said))
