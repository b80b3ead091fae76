"""Control of back-ends: one module or package per kind, all of them behind `drivers.volume.base.VolumeDriver`."""
