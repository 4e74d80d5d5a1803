"""The tray as the message bus shows it: says one line of JSON.

menu.py item PID         {"name", "path", "menu", "status", "title"}: the tray item of a process, null without one
menu.py layout NAME PATH [[id, label, enabled, [children]], …]
menu.py click NAME PATH ID
menu.py owned NAME       whether somebody owns a name on the bus
menu.py lock             locks every collection of the keyring
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
        if daemon.GetConnectionUnixProcessID(name) == pid:
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


def lock():
    service = bus.get_object("org.freedesktop.secrets", "/org/freedesktop/secrets")
    collections = properties("org.freedesktop.secrets", "/org/freedesktop/secrets", "org.freedesktop.Secret.Service")
    dbus.Interface(service, "org.freedesktop.Secret.Service").Lock(collections["Collections"])


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
    case _:
        sys.exit(__doc__)
print(json.dumps(said))
