<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

use FreePBX\modules\Backup as Base;

/** Brings back what Backup kept. */
class Restore extends Base\RestoreBase
{
    public function runRestore()
    {
        $this->FreePBX->Informativa->restore($this->getConfigs());
    }
}
