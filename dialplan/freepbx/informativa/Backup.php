<?php
// License: GPL-3.0-or-later, see LICENSE.
namespace FreePBX\modules\Informativa;

use FreePBX\modules\Backup as Base;

/** What FreePBX's backup keeps of the module. Ledgers, keys and prompts are not in it. */
class Backup extends Base\BackupBase
{
    public function runBackup($id, $transaction)
    {
        $this->addDependency('core');
        $this->addConfigs($this->FreePBX->Informativa->backup());
    }
}
